/**
 * URL of the entry of a thread or a process: the source itself while running from sources (vitest, `npm run dev`, `node
 * src/cli.ts`), otherwise its compiled form. So a test never runs a stale build.
 * @param importer `import.meta.url` of the caller
 * @param file the entry's source, relative to the caller, such as `./color-worker.ts`
 */
export function entryUrl(importer: string, file: `${string}.ts`): URL {
  const compiled = importer.endsWith('.js');
  return new URL(compiled ? file.replace(/\.ts$/, '.js') : file, importer);
}
