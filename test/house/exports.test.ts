import { expect, it } from 'vitest';
import { readSources } from './sources.ts';

const EXPORT = /^export (?:abstract |async )?(?:class|const|function\*?|interface|type) (\w+)/;

/** Overloads, and a type with a constant of the same name, are in one file, which counts once. */
function filesByName(): Map<string, Set<string>> {
  const files = new Map<string, Set<string>>();
  for (const { path, lines } of readSources(['src'], /\.ts$/)) {
    for (const line of lines) {
      const name = EXPORT.exec(line)?.[1];
      if (name !== undefined) files.set(name, (files.get(name) ?? new Set()).add(path));
    }
  }
  return files;
}

it('no name is exported by two files of src for different things', () => {
  const files = filesByName();
  expect(files.size).toBeGreaterThan(500);
  const twice = [...files].filter(([, paths]) => paths.size > 1).map(([name, paths]) => [name, ...paths]);
  expect(twice).toEqual([]);
});
