import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { PLACES, ROOT } from '../../scripts/bootstrap/paths.mjs';
import { ensureRuntimeNode } from '../../scripts/bootstrap/runtime-node.mjs';

const MODULE = pathToFileURL(path.join(ROOT, 'scripts/bootstrap/runtime-node.mjs')).href;

/** A process that runs a script on another Node, here the same one. */
function runOn(script: string) {
  const program = `
    const { runOn } = await import(${JSON.stringify(MODULE)});
    process.exitCode = await runOn(process.execPath, ['-e', ${JSON.stringify(script)}]);
  `;
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: [...stdio] });
}

it('everything runs on a Node that is new enough, this one if it is', async () => {
  const node = await ensureRuntimeNode();
  expect(node === process.execPath || node.startsWith(PLACES.tools)).toBe(true);
});

it('the script has that Node first on its PATH, and its exit code is passed on', async () => {
  const child = runOn(`console.log(process.env.PATH.split(':')[0]); process.exit(7)`);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data: string) => (text += data));
  expect(await once(child, 'close')).toEqual([7, null]);
  expect(text.trim()).toBe(path.dirname(process.execPath));
});

it('a signal reaches the script, and its outcome is passed on', async () => {
  const child = runOn(
    `process.on('SIGTERM', () => process.exit(9)); console.log('ready'); setTimeout(() => 0, 60000)`,
  );
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect((await once(child, 'close'))[0]).toBe(9);
});
