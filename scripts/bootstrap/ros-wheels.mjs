import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { requireCompiler, requirePython, WITHOUT_ROS } from './build-tools.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { capture, run, which } from './run.mjs';
import { SetupError } from './progress.mjs';
import { isFresh, keyOfFiles, keyOf, removeStamp, writeStamp } from './stamps.mjs';

const BUILD_REQUIREMENTS = path.join(ROOT, 'scripts/ros/requirements-build.txt');
const STAMP = 'ros-wheels';
const LOG = 'ros-wheels';
const REMAKE = `rm -r ${PLACES.rosPrefix}, and run the command again (${WITHOUT_ROS})`;

/** @param {string} distro */
const requirementsOf = (distro) => path.join(ROOT, `scripts/ros/requirements-${distro}.txt`);

/**
 * @param {string} distro
 * @returns {string} includes the path, since virtual environments cannot be moved
 */
const prefixKey = (distro) =>
  keyOf([PLACES.rosPrefix, keyOfFiles([requirementsOf(distro), BUILD_REQUIREMENTS])]);

/** @param {string} distro @returns {string} as in a sentence */
const titleOf = (distro) => distro.charAt(0).toUpperCase() + distro.slice(1);

/**
 * ROS 2 wheels cannot be installed on this machine, or not now: no network, no compiler, no suitable Python.
 */
export class RosUnavailableError extends SetupError {}
/** Exit code of set-up in that case: EX_UNAVAILABLE of sysexits.h. */
export const EXIT_ROS_UNAVAILABLE = 69;

/** Whether the files that a stamp stands for exist. */
const isWhole = () =>
  existsSync(path.join(PLACES.rosPrefix, 'share/rcl/package.xml')) &&
  existsSync(path.join(PLACES.rosPrefix, 'bin/python'));

/**
 * Installs the project-local ROS 2 prefix from wheels if it is missing.
 * @param {string} distro one of WHEEL_DISTROS
 * @param {(activity: string) => void} say
 * @returns {Promise<import('./ros-env.mjs').RosInstallation>}
 * @throws {RosUnavailableError} if the wheels cannot be installed
 */
export async function installRosWheels(distro, say) {
  /** @type {import('./ros-env.mjs').RosInstallation} */
  const ros = { kind: 'wheels', distro, prefix: PLACES.rosPrefix };
  if (isFresh(STAMP, prefixKey(distro)) && isWhole()) return ros;
  try {
    await makePrefix(distro, say);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    throw new RosUnavailableError(error.message, error);
  }
  return ros;
}

/**
 * @param {string} distro
 * @param {(activity: string) => void} say
 */
async function makePrefix(distro, say) {
  requireCompiler('vision_msgs for ROS 2 from wheels');
  const python = requirePython();
  removeStamp(STAMP);
  rmSync(PLACES.rosPrefix, { recursive: true, force: true });
  say(`creating a Python ${python.version} environment`);
  await run(python.executable, ['-m', 'venv', PLACES.rosPrefix], {
    log: LOG,
    what: 'creating the Python environment .ros',
    fix: 'sudo apt-get install python3-venv',
  });
  say(`installing ${titleOf(distro)} wheels`);
  await pipInstall(['-r', requirementsOf(distro)]);
  if (which('cmake') === undefined || which('ninja') === undefined) {
    say('installing cmake and ninja wheels');
    await pipInstall(['-r', BUILD_REQUIREMENTS]);
  }
  say('adapting the wheels to this machine');
  correctCmakePaths();
  await removePythonFromLibraries();
  writeStamp(STAMP, prefixKey(distro));
}

/** @param {readonly string[]} args */
async function pipInstall(args) {
  const pip = path.join(PLACES.rosPrefix, 'bin/pip');
  await run(pip, ['install', '--disable-pip-version-check', '--no-input', ...args], {
    log: LOG,
    what: 'installing the ROS 2 wheels',
    fix: `check the network and the free disk space, and run the command again (${WITHOUT_ROS})`,
  });
}

/**
 * Corrects the wheels' CMake files, which name the Python of their build machine.
 * @throws {SetupError} if the environment's Python does not run
 */
function correctCmakePaths() {
  const python = path.join(PLACES.rosPrefix, 'bin/python');
  const answer = capture(python, [
    '-c',
    'import sysconfig, numpy; print(sysconfig.get_path("include")); print(numpy.get_include())',
  ]);
  const [include, numpy] = answer?.trim().split('\n') ?? [];
  if (include === undefined || numpy === undefined)
    throw new SetupError('the Python of the ROS 2 prefix does not run', { fix: REMAKE });
  if (!existsSync(path.join(include, 'Python.h'))) {
    throw new SetupError('the Python headers are missing', { fix: 'sudo apt-get install python3-dev' });
  }
  const share = path.join(PLACES.rosPrefix, 'share');
  for (const name of readdirSync(share, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.cmake')) continue;
    const file = path.join(share, name);
    const old = readFileSync(file, 'utf8');
    const corrected = old
      .replaceAll(
        /\/opt\/python\/cp\d+-cp\d+\/lib\/python3\.\d+\/site-packages\/numpy\/_core\/include/g,
        numpy,
      )
      .replaceAll(/\/opt\/python\/cp\d+-cp\d+\/include\/python3\.\d+/g, include);
    if (corrected !== old) writeFileSync(file, corrected);
  }
}

/**
 * Three libraries of the wheels are linked against Python message libraries, which need a running
 * interpreter: in Node they fail with "undefined symbol: PyExc_RuntimeError". They do not use these
 * libraries.
 */
async function removePythonFromLibraries() {
  const patchelf = path.join(PLACES.rosPrefix, 'bin/patchelf');
  for (const name of ['librcl.so', 'librcl_action.so', 'librcl_lifecycle.so']) {
    const library = realpathSync(path.join(PLACES.rosPrefix, 'lib', name));
    const needed = capture(patchelf, ['--print-needed', library]) ?? '';
    const unwanted = needed.split('\n').filter((entry) => entry.includes('rosidl_generator_py'));
    if (unwanted.length === 0) continue;
    await run(patchelf, [...unwanted.flatMap((entry) => ['--remove-needed', entry]), library], {
      log: LOG,
      what: `adapting ${name}`,
      fix: REMAKE,
    });
  }
}
