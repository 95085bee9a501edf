import { expect, it } from 'vitest';
import { readSources } from './sources.ts';

it('sources start programs by entryUrl: none names the build, which may be stale', () => {
  const naming = readSources(['src'], /\.ts$/).flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (/['"`/]dist\//.test(line) ? [`${path}:${index + 1}`] : [])),
  );
  expect(naming).toEqual([]);
});
