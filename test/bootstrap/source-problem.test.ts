import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { sourceProblem } from '../../scripts/bootstrap/source-problem.mjs';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-source-'));
const file = join(folder, 'some.ts');

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it.each([
  ['a wrong type, which Node does not look at', "const a: number = 'text';", undefined],
  ['half a line', 'const a: number = ;', /some\.ts: Expression expected/],
  ['what types cannot be erased from', 'enum Color { Red }', /some\.ts: .*enum is not supported/],
])('%s', (_, text, expected) => {
  writeFileSync(file, text);
  if (expected === undefined) expect(sourceProblem(file)).toBeUndefined();
  else expect(sourceProblem(file)).toMatch(expected);
});

it('a file that was deleted is not a problem', () => {
  expect(sourceProblem(join(folder, 'gone.ts'))).toBeUndefined();
});
