import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The emulated machine, as set up by scripts/bootstrap/arm64.mjs; null if these tests were not started by `npm test`.
 */
const node = process.env['GOSHAWK_ARM64_NODE'];
const app = process.env['GOSHAWK_ARM64_APP'];

/** Folder of the package as npm installs it on arm64. */
export const APP = app ?? '';

/** Folder of the package on this machine. */
export const ROOT = join(import.meta.dirname, '../..');

/** Output of Node on the emulated machine. */
export async function nodeOnArm64(args: readonly string[]): Promise<string> {
  const { stdout } = await run(node ?? '', args, { cwd: APP });
  return stdout;
}

const CLI_ON_ARM64 = join(APP, 'dist/cli.js');

/** Output of `goshawk` on the emulated machine. */
export function goshawkOnArm64(...args: readonly string[]): Promise<string> {
  return nodeOnArm64([CLI_ON_ARM64, ...args]);
}

/** Starts `goshawk` on the emulated machine. */
export function startOnArm64(...args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(node ?? '', [CLI_ON_ARM64, ...args], { cwd: APP, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Output of `goshawk` on this machine. */
export async function goshawkHere(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(ROOT, 'dist/cli.js'), ...args], { cwd: ROOT });
  return stdout;
}
