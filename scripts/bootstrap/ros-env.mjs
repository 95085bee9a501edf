import { existsSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PLACES } from './paths.mjs';
import { readJson } from './read-json.mjs';

/** @typedef {Record<string, string | undefined>} Env */

/**
 * A ROS 2 installation that set-up chose. `sourced`: from the environment in which set-up ran. `system`:
 * under /opt/ros. `wheels`: the project-local prefix.
 * @typedef {object} RosInstallation
 * @property {'sourced' | 'system' | 'wheels'} kind
 * @property {string} distro lower-case name, such as jazzy
 * @property {string} prefix folder with lib/, share/ and include/
 * @property {Record<string, string>} [variables] what sourcing it sets; not for `wheels`
 * @property {string} [overlay] prefix of packages built because the installation lacks them
 */

/** Variables that hold lists of folders: new entries go in front. */
const LISTS = new Set([
  'AMENT_PREFIX_PATH',
  'CMAKE_PREFIX_PATH',
  'LD_LIBRARY_PATH',
  'PATH',
  'PYTHONPATH',
  'PKG_CONFIG_PATH',
]);

/**
 * @param {Env} env changed in place
 * @param {string} name
 * @param {readonly string[]} entries go first, in this order, each once
 */
function prepend(env, name, entries) {
  const old = (env[name] ?? '').split(':').filter((entry) => entry !== '');
  env[name] = [...new Set([...entries, ...old])].join(':');
}

/**
 * The folder of Python packages in a prefix, such as PREFIX/lib/python3.11/site-packages; undefined if there
 * is none.
 * @param {string} prefix
 * @returns {string | undefined}
 */
export function sitePackagesOf(prefix) {
  const lib = path.join(prefix, 'lib');
  if (!existsSync(lib)) return undefined;
  return readdirSync(lib)
    .filter((name) => /^python3\.\d+$/.test(name))
    .map((name) => path.join(lib, name, 'site-packages'))
    .find((folder) => existsSync(folder));
}

/**
 * @param {Env} env changed in place
 * @param {string} prefix
 */
function addPrefix(env, prefix) {
  prepend(env, 'AMENT_PREFIX_PATH', [prefix]);
  prepend(env, 'CMAKE_PREFIX_PATH', [prefix]);
  prepend(env, 'LD_LIBRARY_PATH', [path.join(prefix, 'lib')]);
  const packages = sitePackagesOf(prefix);
  if (packages !== undefined) prepend(env, 'PYTHONPATH', [packages]);
}

/**
 * @param {Env} env changed in place
 * @param {RosInstallation} ros
 */
function addWheelPrefix(env, ros) {
  const packages = sitePackagesOf(ros.prefix);
  if (packages !== undefined) {
    const bundled = readdirSync(packages).filter((name) => /^ros_.*\.libs$/.test(name));
    prepend(
      env,
      'LD_LIBRARY_PATH',
      bundled.map((name) => path.join(packages, name)),
    );
  }
  addPrefix(env, ros.prefix);
  prepend(env, 'PATH', [path.join(ros.prefix, 'bin')]);
  env['ROS_DISTRO'] = ros.distro;
  env['ROS_VERSION'] = '2';
  env['ROS_PYTHON_VERSION'] = '3';
  // Each wheel would otherwise start Python a second time just to set LD_LIBRARY_PATH, which is already set
  // here.
  env['_ROS_WHEELS_BOOTSTRAP_COMPLETE'] = '1';
}

/**
 * The environment in which all of Goshawk runs. The caller's values are kept, except that search paths gain
 * entries. Without an installation, only the variables of the Node process itself are set.
 * @param {RosInstallation | undefined} ros
 * @param {Env} base
 * @returns {Env} a new object
 */
export function rosEnvironment(ros, base) {
  /** @type {Env} */
  const env = { ...base };
  // glibc's arena per thread and libuv's four threads are both wrong for image buffers on many threads.
  env['MALLOC_ARENA_MAX'] ??= '2';
  // A raw frame exceeds the size that glibc returns to the kernel immediately: its pages would be mapped,
  // cleared and unmapped for every frame.
  env['MALLOC_MMAP_THRESHOLD_'] ??= '33554432';
  env['MALLOC_TRIM_THRESHOLD_'] ??= '67108864';
  env['UV_THREADPOOL_SIZE'] ??= String(Math.min(16, Math.max(4, os.availableParallelism())));
  const node = existsSync(PLACES.runtimeNode) ? [path.dirname(PLACES.runtimeNode)] : [];
  prepend(env, 'PATH', [PLACES.commands, ...node]);
  if (ros === undefined) return env;

  if (ros.kind === 'wheels') addWheelPrefix(env, ros);
  for (const [name, value] of Object.entries(ros.variables ?? {})) {
    if (LISTS.has(name)) prepend(env, name, value.split(':'));
    else env[name] = value;
  }
  if (ros.overlay !== undefined) addPrefix(env, ros.overlay);
  const own = [PLACES.ament, PLACES.colcon].find((prefix) =>
    existsSync(path.join(prefix, 'share/ament_index')),
  );
  if (own !== undefined) prepend(env, 'AMENT_PREFIX_PATH', [own]);

  env['RMW_IMPLEMENTATION'] ??= 'rmw_fastrtps_cpp';
  env['ROS_AUTOMATIC_DISCOVERY_RANGE'] ??= 'LOCALHOST';
  setDdsProfile(env, ros.distro);
  return env;
}

/**
 * Their middleware reads FASTRTPS_DEFAULT_PROFILES_FILE, that of newer ones FASTDDS_DEFAULT_PROFILES_FILE.
 */
const WITH_FAST_DDS_2 = new Set(['humble', 'iron', 'jazzy']);

/**
 * Sets the DDS profile in the one variable that the distribution reads: the caller's file from either
 * variable, else Goshawk's. Kilted warns in each process if the older name is set, and loads both files if
 * both are.
 * @param {Env} env changed in place
 * @param {string} distro
 */
function setDdsProfile(env, distro) {
  const names = ['FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'];
  if (!WITH_FAST_DDS_2.has(distro)) names.reverse();
  const [read = '', other = ''] = names;
  env[read] = env[read] || env[other] || PLACES.ddsProfile;
  delete env[other];
}

/**
 * The environment without its ROS 2, for a process that finds another one.
 * @param {Env} env
 * @returns {Env} a new object
 */
export function withoutRos(env) {
  const prefixes = (env['AMENT_PREFIX_PATH'] ?? '').split(':').filter((entry) => entry !== '');
  const isOfRos = (/** @type {string} */ entry) =>
    prefixes.some((prefix) => entry === prefix || entry.startsWith(`${prefix}/`));
  /** @type {Env} */
  const plain = { ...env };
  for (const name of LISTS) {
    const entries = (env[name] ?? '').split(':').filter((entry) => entry !== '' && !isOfRos(entry));
    if (entries.length > 0) plain[name] = entries.join(':');
    else delete plain[name];
  }
  for (const name of ['ROS_DISTRO', 'ROS_VERSION', 'ROS_PYTHON_VERSION', '_ROS_WHEELS_BOOTSTRAP_COMPLETE']) {
    delete plain[name];
  }
  return plain;
}

/**
 * The installation that set-up recorded; undefined before set-up, or if ROS is not possible here.
 * @param {string} [file]
 * @returns {RosInstallation | undefined}
 */
export function readRosRecord(file = PLACES.rosRecord) {
  if (!existsSync(file)) return undefined;
  const record = /** @type {RosInstallation} */ (readJson(file));
  return existsSync(record.prefix) ? record : undefined;
}
