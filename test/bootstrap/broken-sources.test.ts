import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { BrokenSources, sourceProblem } from '../../scripts/bootstrap/broken-sources.mjs';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-source-'));
const file = join(folder, 'some.ts');

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it.each([
  ['a wrong type, which Node does not look at', "const a: number = 'text';", undefined],
  ['half a line', 'const a: number = ;', /some\.ts:1: Expression expected\nconst a: number = ;\n *\^$/],
  ['what types cannot be erased from', 'enum Color { Red }', /some\.ts:1: .*enum is not supported/],
])('%s', (_, text, expected) => {
  writeFileSync(file, text);
  if (expected === undefined) expect(sourceProblem(file)).toBeUndefined();
  else expect(sourceProblem(file)).toMatch(expected);
});

it('a file that was deleted is not a problem', () => {
  expect(sourceProblem(join(folder, 'gone.ts'))).toBeUndefined();
});

it('sources cannot be run until the last broken one is fixed or deleted', () => {
  const save = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  save('some.ts', 'const some = 1;');
  const sources = new BrokenSources(folder);
  expect([sources.checkAll(), sources.canRun]).toEqual([[], true]);
  save('a.ts', 'const =');
  save('b.ts', 'const b: = 1;');
  save('page.css', 'const =');
  expect(sources.check(['a.ts', 'page.css'])).toHaveLength(1);
  expect(sources.checkAll()).toHaveLength(2);
  save('a.ts', 'const a = 1;');
  expect([sources.check(['a.ts']), sources.canRun]).toEqual([[], false]);
  rmSync(join(folder, 'b.ts'));
  expect([sources.check(['b.ts']), sources.canRun]).toEqual([[], true]);
});
