import { expect, it } from 'vitest';
import { readSources } from './sources.ts';

/** Skips tests where something is missing; their titles then end with what it is and the command that provides it. */
const WITH_REASONS = 'test/support/needs.ts';

const SKIP = /\b(?:describe|it|test)(?:\.\w+)*\.(?:skip|skipIf|runIf|todo|only)\b/;

it('tests are skipped by describeWith and itWith only, so that npm test can say how to run them', () => {
  const others = readSources(['test'], /\.ts$/)
    .filter(({ path, lines }) => path !== WITH_REASONS && lines.some((line) => SKIP.test(line)))
    .map(({ path }) => path);
  expect(others).toEqual([]);
});
