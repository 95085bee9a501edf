import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const module = join(import.meta.dirname, '../../../src/device/pipeline/debug-drop.ts');

/** Prints the bytes per drop of the median of eleven rounds: single ones contain compilation or garbage collection. */
const SCRIPT = `
  import { debugDrop } from ${JSON.stringify(module)};
  const DROPS = 2000;
  const rounds = Array.from({ length: 11 }, () => {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < DROPS; i++) debugDrop('front', i, 'superseded');
    return (process.memoryUsage().heapUsed - before) / DROPS;
  });
  console.log(rounds.sort((a, b) => a - b)[5]);`;

it('a dropped frame costs no memory while the debug log is off', () => {
  // drops are too rare to be compiled, and the optimizing compilers would eliminate a closure
  const flags = ['--no-opt', '--no-maglev', '--input-type=module'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--eval', SCRIPT], { encoding: 'utf8' });
  expect(stderr).toBe('');
  // a closure with its variables takes at least 80 bytes
  expect(Number.parseFloat(stdout)).toBeLessThan(4);
});
