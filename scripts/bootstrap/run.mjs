import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, accessSync, constants } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { PLACES, ROOT } from './paths.mjs';
import { SetupError } from './progress.mjs';

/**
 * @typedef {object} RunOptions
 * @property {string} log name of the log file, without folder and extension; later runs append to it
 * @property {string} what names the work in a failure message
 * @property {string} fix the command that fixes a failure
 * @property {string} [cwd]
 * @property {Record<string, string | undefined>} [env]
 */

/** Log files opened by this process: the first write truncates them. @type {Set<string>} */
const opened = new Set();

/**
 * Runs a program with its output in a log file.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} options
 * @returns {Promise<void>}
 * @throws {SetupError} if the program cannot start or fails
 */
export async function run(command, args, { log, what, fix, cwd = ROOT, env = process.env }) {
  mkdirSync(PLACES.logs, { recursive: true });
  const file = path.join(PLACES.logs, `${log}.log`);
  const stream = createWriteStream(file, { flags: opened.has(file) ? 'a' : 'w' });
  opened.add(file);
  await once(stream, 'open');
  stream.write(`$ ${command} ${args.join(' ')}\n`);
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(stream, { end: false });
  child.stderr.pipe(stream, { end: false });
  const ending = await new Promise((/** @type {(ending: string | undefined) => void} */ resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : signal),
    );
  });
  stream.end();
  await once(stream, 'finish');
  if (ending !== undefined) {
    throw new SetupError(`${what} failed (${ending})`, {
      fix,
      log: path.relative(ROOT, file),
    });
  }
}

/**
 * The standard output of a short program; undefined if it cannot start or fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
 * @returns {string | undefined}
 */
export function capture(command, args, options = {}) {
  const result = spawnSync(command, args, {
    ...options,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  return result.status === 0 ? result.stdout : undefined;
}

/**
 * The path of a program, found as a shell would.
 * @param {string} name
 * @param {string} [searchPath]
 * @returns {string | undefined}
 */
export function which(name, searchPath = process.env['PATH'] ?? '') {
  for (const folder of searchPath.split(':')) {
    const file = path.join(folder, name);
    if (folder === '' || !existsSync(file)) continue;
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not executable for us: keep looking
    }
  }
  return undefined;
}
