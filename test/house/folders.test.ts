import { posix } from 'node:path';
import { expect, it } from 'vitest';
import { readSources } from './sources.ts';

/** Paths that a module imports or re-exports, including `import()` and types. */
const IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g;

/** folder -> the folders that its files import from, nested ones separately */
function foldersOf(sources: ReturnType<typeof readSources>): Map<string, Set<string>> {
  const imports = new Map<string, Set<string>>();
  for (const { path, lines } of sources) {
    const folder = posix.dirname(path);
    const targets = imports.get(folder) ?? new Set();
    for (const [, file] of lines.join('\n').matchAll(IMPORT))
      targets.add(posix.dirname(posix.join(folder, file!)));
    targets.delete(folder);
    imports.set(folder, targets);
  }
  return imports;
}

/** A path from a folder back to itself, or `null`. */
function findLoop(imports: ReadonlyMap<string, ReadonlySet<string>>): string[] | null {
  const done = new Set<string>();
  const visit = (folder: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(folder)) return [...trail.slice(trail.indexOf(folder)), folder];
    if (done.has(folder)) return null;
    for (const next of imports.get(folder) ?? []) {
      const loop = visit(next, [...trail, folder]);
      if (loop !== null) return loop;
    }
    done.add(folder);
    return null;
  };
  for (const folder of imports.keys()) {
    const loop = visit(folder, []);
    if (loop !== null) return loop;
  }
  return null;
}

it('folders of src import each other one way: none leads back to itself', () => {
  const imports = foldersOf(readSources(['src'], /\.ts$/));
  expect(imports.get('src/device/pipeline')).toContain('src/device/pipeline/frame');
  expect(findLoop(imports)).toBeNull();
});

it('finds a loop through a nested folder', () => {
  const source = (path: string, target: string): { path: string; lines: string[] } => ({
    path,
    lines: [`import { x } from '${target}';`],
  });
  const loop = foldersOf([source('a/one.ts', './b/two.ts'), source('a/b/two.ts', '../three.ts')]);
  expect(findLoop(loop)).toEqual(['a', 'a/b', 'a']);
});
