import { expect, it } from 'vitest';
import { readSources } from './sources.ts';

const MAX_COLUMNS = 120;

/** Sources by their extension, and scripts without one. */
const SOURCE = /\.(ts|mjs|cjs|py|sh|xml|css|html|js)$|(^|\/)[^./]+$/;

it(`no line of the sources is longer than ${MAX_COLUMNS} columns`, () => {
  const long = readSources(['src', 'test', 'scripts', 'launch'], SOURCE)
    .filter(({ path }) => !path.includes('/generated/'))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => (line.length > MAX_COLUMNS ? [`${path}:${index + 1}`] : [])),
    );
  expect(long).toEqual([]);
});
