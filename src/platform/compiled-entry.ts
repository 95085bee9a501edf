/**
 * URL of the compiled entry of a thread, named by its path under src/ without extension. The sources
 * themselves run only under vitest, where the entry is the one in dist/.
 */
export function compiledEntry(path: string): URL {
  const root = import.meta.url.endsWith('.ts') ? '../../dist/' : '../';
  return new URL(`${root}${path}.js`, import.meta.url);
}
