import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { requireCompiler, WITHOUT_ROS } from './build-tools.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { SetupError } from './progress.mjs';
import { readJson } from './read-json.mjs';
import { rosEnvironment } from './ros-env.mjs';
import { interfacePackages } from './ros-packages.mjs';
import { capture, run } from './run.mjs';
import { isFresh, keyOf, removeStamp, writeStamp } from './stamps.mjs';

/** @typedef {import('./ros-env.mjs').RosInstallation} RosInstallation */
/** @typedef {import('./ros-env.mjs').Env} Env */

const LOG = 'rclnodejs';
const REINSTALL = `rm -r ${PLACES.nodeModules}, and run the command again (${WITHOUT_ROS})`;
const BINARY = path.join(PLACES.rclnodejs, 'build/Release/rclnodejs.node');
const MESSAGES = path.join(PLACES.rclnodejs, 'generated/vision_msgs');

/** @returns {string} */
function packageVersion() {
  const manifest = /** @type {{ version: string }} */ (readJson(path.join(PLACES.rclnodejs, 'package.json')));
  return manifest.version;
}

/**
 * Provides a working rclnodejs for this ROS: the package's own Ubuntu binary if there is one, else compiled
 * here. Message classes are regenerated whenever the interface packages change.
 * @param {RosInstallation} ros
 * @param {(activity: string) => void} say
 */
export async function ensureRclnodejs(ros, say) {
  const env = rosEnvironment(ros, process.env);
  const identity = [packageVersion(), ros.prefix, ros.distro, process.arch];
  const binaryKey = keyOf(identity);
  const mayBePrebuilt = isFresh('rclnodejs-prebuilt', binaryKey);
  if (!isFresh('rclnodejs', binaryKey) || !(existsSync(BINARY) || mayBePrebuilt)) {
    removeStamp('rclnodejs');
    const prebuilt = hasPrebuiltBinary(env);
    if (!prebuilt || !works(env)) await compile(ros, env, say);
    if (prebuilt) writeStamp('rclnodejs-prebuilt', binaryKey);
    else removeStamp('rclnodejs-prebuilt');
  }

  const messagesKey = keyOf([...identity, ros.overlay ?? '', ...interfacePackages(env)]);
  if (!isFresh('rclnodejs-messages', messagesKey) || !existsSync(MESSAGES)) {
    removeStamp('rclnodejs-messages');
    say('generating message classes');
    await run('node', ['scripts/generate_messages.cjs'], {
      log: LOG,
      what: 'generating message classes',
      fix: REINSTALL,
      cwd: PLACES.rclnodejs,
      env,
    });
    // The generator reports its own failures with exit code 0.
    if (!existsSync(MESSAGES))
      throw new SetupError('generating message classes produced none', {
        fix: REINSTALL,
        log: `.goshawk/setup-logs/${LOG}.log`,
      });
    writeStamp('rclnodejs-messages', messagesKey);
  }

  if (!isFresh('rclnodejs', binaryKey)) {
    say('trying rclnodejs');
    if (!works(env)) {
      throw new SetupError('rclnodejs does not load in this ROS environment', {
        fix: 'scripts/with-ros node scripts/bootstrap/ros-smoke.mjs shows why; GOSHAWK_NO_ROS=1 continues without ROS',
        log: `.goshawk/setup-logs/${LOG}.log`,
      });
    }
    writeStamp('rclnodejs', binaryKey);
  }
}

/**
 * @param {Env} env
 * @returns {boolean}
 */
function hasPrebuiltBinary(env) {
  const ask = "process.stdout.write(String(require('./scripts/install.cjs').checkPrebuiltBinary()))";
  return capture('node', ['-e', ask], { cwd: PLACES.rclnodejs, env })?.endsWith('true') ?? false;
}

/**
 * Whether the binary loads; rcl itself starts only once there are message classes.
 * @param {Env} env
 * @returns {boolean}
 */
function works(env) {
  const load = existsSync(MESSAGES)
    ? [path.join(ROOT, 'scripts/bootstrap/ros-smoke.mjs')]
    : ['-e', "require('rclnodejs/package.json'); import('./node_modules/rclnodejs/lib/native_loader.js')"];
  return capture('node', load, { cwd: ROOT, env }) !== undefined;
}

/**
 * @param {RosInstallation} ros
 * @param {Env} rosEnv
 * @param {(activity: string) => void} say
 */
async function compile(ros, rosEnv, say) {
  requireCompiler('rclnodejs');
  say('compiling rclnodejs');
  const env = { ...rosEnv, ...headersOf(process.execPath) };
  // The build finds the prefix with "which ros2"; the wheels have no such command.
  const shim = path.join(PLACES.state, 'build/ros-prefix');
  rmSync(shim, { recursive: true, force: true });
  mkdirSync(path.join(shim, 'bin'), { recursive: true });
  symlinkSync('/bin/true', path.join(shim, 'bin/ros2'));
  for (const folder of ['lib', 'include'])
    symlinkSync(path.join(ros.prefix, folder), path.join(shim, folder));
  env['PATH'] = `${path.join(shim, 'bin')}:${env['PATH'] ?? ''}`;
  // Its own script starts 16 compilers in parallel, too much for the memory of a small board.
  const jobs = Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / 1.5e9)));
  await run('npm', ['exec', '-c', `node-gyp rebuild -j ${jobs}`], {
    log: LOG,
    what: 'compiling rclnodejs',
    fix: 'sudo apt-get install build-essential python3 (or continue without ROS: GOSHAWK_NO_ROS=1)',
    cwd: PLACES.rclnodejs,
    env,
  });
  rmSync(shim, { recursive: true, force: true });
}

/**
 * Points node-gyp to the headers next to Node's executable, so that it need not fetch them, if they match its
 * version.
 * @param {string} executable
 * @returns {Record<string, string>}
 */
function headersOf(executable) {
  if (process.env['npm_config_nodedir'] !== undefined) return {};
  const home = path.dirname(path.dirname(executable));
  const file = path.join(home, 'include/node/node_version.h');
  const [major] = process.versions.node.split('.');
  if (!existsSync(file)) return {};
  return new RegExp(`#define NODE_MAJOR_VERSION ${major}\\b`).test(readFileSync(file, 'utf8'))
    ? { npm_config_nodedir: home }
    : {};
}
