import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { PLACES, ROOT } from './paths.mjs';
import { STRAY_ERRORS_VARIABLE, strayErrorsFile } from './stray-errors.mjs';
import { readJunitReport, readVitestReport } from './test-results.mjs';

/** @typedef {import('./test-results.mjs').Counts} Counts */
/** @typedef {Record<string, string | undefined>} Env */

/**
 * Runs a program with its output visible.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Env} env
 * @param {'ignore' | 'inherit'} [input] whether it reads the keyboard
 * @returns {Promise<number | null>} its exit code; null if it did not start or a signal ended it
 */
export async function exitCodeOf(command, args, env, input = 'ignore') {
  const child = spawn(command, args, { cwd: ROOT, env, stdio: [input, 'inherit', 'inherit'] });
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(null);
    });
    child.once('close', resolve);
  });
}

/**
 * Runs a program with its output visible.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Env} env
 * @returns {Promise<boolean>} whether it ended with exit code 0
 */
export async function show(command, args, env) {
  return (await exitCodeOf(command, args, env)) === 0;
}

/**
 * Runs a program that may share the terminal with others: its output is printed when it ends.
 * @param {string} title of its output
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Env} env
 * @returns {Promise<boolean>} whether it ended with exit code 0
 */
export async function showAtEnd(title, command, args, env) {
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
  const ok = await new Promise((/** @type {(ok: boolean) => void} */ resolve) => {
    child.once('error', (error) => {
      output += `${command}: ${error.message}\n`;
      resolve(false);
    });
    child.once('close', (code) => resolve(code === 0));
  });
  process.stdout.write(`\n== ${title}\n${output}`);
  return ok;
}

/** @param {string} file inside node_modules */
export const packaged = (file) => path.join(PLACES.nodeModules, file);

/**
 * @param {string} reason
 * @param {string} command that runs the group
 * @returns {Counts}
 */
export function skip(reason, command) {
  console.log(`skipped: ${reason}; to run it: ${command}`);
  return { passed: 0, failed: 0, skipped: 1, skips: [{ reason, command, tests: 1 }] };
}

/**
 * @param {string} project of vitest.config.ts
 * @param {Env} env
 * @param {readonly string[]} [options] of vitest
 * @returns {Promise<Counts>}
 */
export const vitest = (project, env, options = []) =>
  runVitest(['--project', project, '--passWithNoTests', ...options], project, env);

/**
 * Runs test files, each in its own project.
 * @param {readonly string[]} files or folders, relative to the project's folder
 * @param {boolean} update whether files that tests compare with are written
 * @param {Env} env
 * @returns {Promise<Counts>}
 */
export const vitestFiles = (files, update, env) =>
  runVitest(update ? [...files, '--update'] : files, 'files', env);

/**
 * @param {readonly string[]} which what vitest runs
 * @param {string} label of the report
 * @param {Env} env
 * @returns {Promise<Counts>}
 */
async function runVitest(which, label, env) {
  const report = path.join(PLACES.state, `test-results/${label}.json`);
  const stray = strayErrorsFile(report);
  for (const file of [report, stray]) rmSync(file, { force: true });
  const reporters = [
    '--reporter=default',
    '--reporter=json',
    `--reporter=${path.join(import.meta.dirname, 'stray-errors.mjs')}`,
    `--outputFile.json=${report}`,
  ];
  const ok = await show(process.execPath, [packaged('vitest/vitest.mjs'), 'run', ...which, ...reporters], {
    ...env,
    [STRAY_ERRORS_VARIABLE]: stray,
  });
  return readVitestReport(report, ok);
}

/**
 * Runs unit tests, or the given files, and reruns them whenever something they import is saved. Ends with
 * Ctrl-C.
 * @param {readonly string[]} files
 * @param {Env} env
 * @returns {Promise<number | null>} exit code
 */
export async function watchTests(files, env) {
  const which = files.length > 0 ? files : ['--project', 'unit', '--project', 'unit-apart'];
  return await exitCodeOf(
    process.execPath,
    [packaged('vitest/vitest.mjs'), 'watch', ...which],
    env,
    'inherit',
  );
}

/**
 * The environment of the quantizer, as `goshawk optimize` creates it for itself.
 * @returns {Promise<string>} its Python
 */
export async function prepareQuantizer() {
  const made = path.join(PLACES.dist, 'tools/optimize/environment.js');
  /** @type {unknown} */
  const loaded = await import(made);
  const { ensureQuantizer } = /** @type {typeof import('../../src/tools/optimize/environment.ts')} */ (
    loaded
  );
  const { command } = await ensureQuantizer((activity) => {
    console.log(activity);
  }, AbortSignal.timeout(600_000));
  return command;
}

/**
 * Runs the tests of a folder by pytest. It leaves nothing next to the sources, which others may be copying meanwhile.
 * @param {readonly [string, ...string[]]} python command and first arguments
 * @param {string} folder
 * @param {{ label: string, group: string, env: Env }} options names of the report and of what runs it again
 * @returns {Promise<Counts>}
 */
export async function pytest([program, ...args], folder, { label, group, env }) {
  const report = path.join(PLACES.state, `test-results/${label}.xml`);
  rmSync(report, { force: true });
  const ok = await show(
    program,
    [...args, '-m', 'pytest', folder, '-q', '-p', 'no:cacheprovider', `--junitxml=${report}`],
    { ...env, PYTHONDONTWRITEBYTECODE: '1' },
  );
  return readJunitReport(report, ok, group);
}

/**
 * Tests the quantizer of `goshawk optimize` in the environment that the command creates for itself.
 * @param {Env} env
 * @param {readonly string[]} [wrapper] command and arguments that start Python
 * @param {string} [label] of the report
 * @param {string} [group] that this is part of
 * @returns {Promise<Counts>}
 */
export async function quantizer(env, wrapper = [], label = 'quantizer', group = label) {
  const command = await prepareQuantizer();
  const folder = path.join(ROOT, 'scripts/optimize');
  const [program = command, ...args] = [...wrapper, command];
  return await pytest([program, ...args], folder, { label, group, env: { ...env, PYTHONPATH: folder } });
}
