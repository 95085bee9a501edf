import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { capture } from './run.mjs';
import { PLACES } from './paths.mjs';

/** @typedef {import('./ros-env.mjs').RosInstallation} RosInstallation */
/** @typedef {import('./ros-env.mjs').Env} Env */

/**
 * The inputs of the search; tests supply their own.
 * @typedef {object} Machine
 * @property {Env} env
 * @property {string} systemFolder where distributions are installed, /opt/ros
 * @property {NodeJS.Platform} platform
 * @property {string} arch
 * @property {string | undefined} glibc version of the C library; undefined with another one (musl)
 * @property {(setupFile: string) => Record<string, string> | undefined} source the variables a setup.bash
 *   sets in an empty environment
 */

/** @typedef {{ kind: 'found', ros: RosInstallation }} Found */
/** @typedef {{ kind: 'wheels', distro: string }} FromWheels */
/** @typedef {{ kind: 'none', reason: string }} NoRos */
/** @typedef {Found | FromWheels | NoRos} Search */

/** Distributions that set-up can install from wheels (scripts/ros/requirements-*.txt), the default first. */
const WHEEL_DISTROS = ['jazzy', 'kilted'];

/** The wheels are built for manylinux_2_28. */
const OLDEST_GLIBC = [2, 28];

/**
 * @param {string} version
 * @returns {boolean}
 */
function isGlibcRecent(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = OLDEST_GLIBC;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/**
 * The first entry of AMENT_PREFIX_PATH with ROS itself (not just a workspace on top of it), except this
 * project's own.
 * @param {Env} env
 * @returns {string | undefined}
 */
function sourcedPrefix(env) {
  const entries = (env['AMENT_PREFIX_PATH'] ?? '')
    .split(':')
    .filter((entry) => entry !== '' && entry !== PLACES.rosPrefix);
  return entries.find((entry) => existsSync(path.join(entry, 'share/rcl/package.xml')));
}

/**
 * What a sourced installation added to the environment, so that scripts/with-ros works in a shell that did
 * not source it.
 * @param {Env} env
 * @returns {Record<string, string>}
 */
function rosVariables(env) {
  const names = [
    'AMENT_PREFIX_PATH',
    'CMAKE_PREFIX_PATH',
    'LD_LIBRARY_PATH',
    'PYTHONPATH',
    'ROS_DISTRO',
    'ROS_VERSION',
    'ROS_PYTHON_VERSION',
  ];
  const prefixes = (env['AMENT_PREFIX_PATH'] ?? '').split(':');
  const programs = (env['PATH'] ?? '').split(':').filter((entry) => prefixes.includes(path.dirname(entry)));
  /** @type {Record<string, string>} */
  const variables = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== '') variables[name] = value;
  }
  if (programs.length > 0) variables['PATH'] = programs.join(':');
  return variables;
}

/**
 * Distributions under /opt/ros, newest first: their names are alphabetical, with rolling after all of them.
 * @param {string} folder
 * @returns {string[]}
 */
export function systemDistributions(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(path.join(folder, name, 'setup.bash')))
    .sort()
    .reverse();
}

/**
 * Looks for ROS 2 in this order: a sourced installation, the newest under /opt/ros, wheels in the project's
 * own folder. GOSHAWK_ROS_DISTRO restricts it to one distribution.
 * @param {Machine} machine
 * @returns {Search}
 */
export function findRos(machine) {
  if (machine.env['GOSHAWK_NO_ROS'] === '1') return { kind: 'none', reason: 'GOSHAWK_NO_ROS=1 is set' };

  const wanted = machine.env['GOSHAWK_ROS_DISTRO'] || undefined;
  const distro = machine.env['ROS_DISTRO'];
  const prefix = sourcedPrefix(machine.env);
  if (distro !== undefined && prefix !== undefined) {
    if (wanted !== undefined && wanted !== distro) {
      // Two distributions in one environment would load each other's libraries.
      return {
        kind: 'none',
        reason: `GOSHAWK_ROS_DISTRO asks for ${wanted} and ${distro} is sourced (use a shell that has not sourced one)`,
      };
    }
    return { kind: 'found', ros: { kind: 'sourced', distro, prefix, variables: rosVariables(machine.env) } };
  }

  for (const name of systemDistributions(machine.systemFolder)) {
    if (wanted !== undefined && wanted !== name) continue;
    const home = path.join(machine.systemFolder, name);
    const variables = machine.source(path.join(home, 'setup.bash'));
    // ROS 1 is in the same folder and has no AMENT_PREFIX_PATH.
    if (variables?.['AMENT_PREFIX_PATH'] === undefined) continue;
    return {
      kind: 'found',
      ros: { kind: 'system', distro: variables['ROS_DISTRO'] ?? name, prefix: home, variables },
    };
  }

  const elsewhere = `there is no ${wanted ?? 'ROS 2'} sourced, none under ${machine.systemFolder}`;
  const place = `${elsewhere}, and wheels exist only for`;
  const [preferred = ''] = WHEEL_DISTROS;
  if (wanted !== undefined && !WHEEL_DISTROS.includes(wanted)) {
    return { kind: 'none', reason: `${place} ${WHEEL_DISTROS.join(' and ')}` };
  }
  if (machine.platform !== 'linux' || machine.arch !== 'x64') {
    return { kind: 'none', reason: `${place} x86_64 Linux (this is ${machine.platform} ${machine.arch})` };
  }
  if (machine.glibc === undefined || !isGlibcRecent(machine.glibc)) {
    return {
      kind: 'none',
      reason: `${place} glibc >= ${OLDEST_GLIBC.join('.')} (this is ${machine.glibc ?? 'another C library'})`,
    };
  }
  return { kind: 'wheels', distro: wanted ?? preferred };
}

/** Variables of the shell itself, which sourcing does not set. */
const OF_THE_SHELL = new Set(['_', 'SHLVL', 'PWD', 'OLDPWD', 'HOME']);
const PLAIN_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The variables that a setup.bash sets, read by sourcing it in an empty environment.
 * @param {string} setupFile
 * @returns {Record<string, string> | undefined} undefined if it fails
 */
export function sourceSetup(setupFile) {
  const output = capture('bash', ['-c', 'source "$0" >/dev/null 2>&1 && env -0', setupFile], {
    env: { PATH: PLAIN_PATH, HOME: process.env['HOME'] },
  });
  if (output === undefined) return undefined;
  /** @type {Record<string, string>} */
  const variables = {};
  for (const line of output.split('\0')) {
    const at = line.indexOf('=');
    const name = line.slice(0, at);
    if (at > 0 && !OF_THE_SHELL.has(name)) variables[name] = line.slice(at + 1);
  }
  const added = (variables['PATH'] ?? '')
    .split(':')
    .filter((entry) => !PLAIN_PATH.split(':').includes(entry));
  if (added.length > 0) variables['PATH'] = added.join(':');
  else delete variables['PATH'];
  return variables;
}

/** @returns {string | undefined} */
function glibcVersion() {
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header.glibcVersionRuntime;
}

/** @returns {Machine} the machine this runs on */
export function thisMachine() {
  return {
    env: process.env,
    systemFolder: '/opt/ros',
    platform: process.platform,
    arch: process.arch,
    get glibc() {
      return glibcVersion();
    },
    source: sourceSetup,
  };
}
