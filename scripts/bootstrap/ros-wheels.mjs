import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { requireCompiler, requirePython } from './build-tools.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { capture, run, which } from './run.mjs';
import { SetupError } from './progress.mjs';
import { isFresh, keyOfFiles, keyOf, removeStamp, writeStamp } from './stamps.mjs';

const REQUIREMENTS = path.join(ROOT, 'scripts/ros/requirements.txt');
const BUILD_REQUIREMENTS = path.join(ROOT, 'scripts/ros/requirements-build.txt');
const STAMP = 'ros-wheels';
const LOG = 'ros-wheels';

/** @returns {string} the prefix cannot be moved: virtual environments hold their own path */
const prefixKey = () => keyOf([PLACES.rosPrefix, keyOfFiles([REQUIREMENTS, BUILD_REQUIREMENTS])]);

/** Files that a stamp promises. */
const isWhole = () =>
  existsSync(path.join(PLACES.rosPrefix, 'share/rcl/package.xml')) &&
  existsSync(path.join(PLACES.rosPrefix, 'bin/python'));

/**
 * The project-local ROS 2 Jazzy prefix, made from wheels unless it is there.
 * @param {(activity: string) => void} say
 * @returns {Promise<import('./ros-env.mjs').RosInstallation>}
 */
export async function installRosWheels(say) {
  /** @type {import('./ros-env.mjs').RosInstallation} */
  const ros = { kind: 'wheels', distro: 'jazzy', prefix: PLACES.rosPrefix };
  if (isFresh(STAMP, prefixKey()) && isWhole()) return ros;

  requireCompiler('vision_msgs for ROS 2 from wheels');
  const python = requirePython();
  removeStamp(STAMP);
  rmSync(PLACES.rosPrefix, { recursive: true, force: true });
  say(`making a Python ${python.version} environment`);
  await run(python.executable, ['-m', 'venv', PLACES.rosPrefix], {
    log: LOG,
    what: 'making the Python environment .ros',
    fix: 'sudo apt-get install python3-venv',
  });
  say('installing Jazzy wheels');
  await pipInstall(['-r', REQUIREMENTS]);
  if (which('cmake') === undefined || which('ninja') === undefined) {
    say('installing cmake and ninja wheels');
    await pipInstall(['-r', BUILD_REQUIREMENTS]);
  }
  say('adapting the wheels to this machine');
  correctCmakePaths();
  await removePythonFromLibraries();
  writeStamp(STAMP, prefixKey());
  return ros;
}

/** @param {readonly string[]} args */
async function pipInstall(args) {
  const pip = path.join(PLACES.rosPrefix, 'bin/pip');
  await run(pip, ['install', '--disable-pip-version-check', '--no-input', ...args], {
    log: LOG,
    what: 'installing the ROS 2 wheels',
    fix: 'check the network and the space on the disk, and run the command again (or go on without ROS: GOSHAWK_NO_ROS=1)',
  });
}

/**
 * The wheels' CMake files name the Python of the machine that built them.
 * @throws {SetupError} when the environment's Python does not answer
 */
function correctCmakePaths() {
  const python = path.join(PLACES.rosPrefix, 'bin/python');
  const answer = capture(python, [
    '-c',
    'import sysconfig, numpy; print(sysconfig.get_path("include")); print(numpy.get_include())',
  ]);
  const [include, numpy] = answer?.trim().split('\n') ?? [];
  if (include === undefined || numpy === undefined)
    throw new SetupError('the Python of the ROS 2 prefix does not answer');
  if (!existsSync(path.join(include, 'Python.h'))) {
    throw new SetupError('the headers of Python are missing', { fix: 'sudo apt-get install python3-dev' });
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
 * Three libraries of the wheels are linked against message libraries for Python, which need a running interpreter: in Node they fail
 * with "undefined symbol: PyExc_RuntimeError". Nothing in them uses those libraries.
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
    });
  }
}
