import { capture, which } from './run.mjs';
import { SetupError } from './progress.mjs';

/** The alternative to every missing tool of ROS. */
export const WITHOUT_ROS = 'or continue without ROS: GOSHAWK_NO_ROS=1';

/**
 * @param {string} forWhat what needs the compiler
 * @throws {SetupError} if there is none
 */
export function requireCompiler(forWhat) {
  if (which('c++') !== undefined || which('g++') !== undefined || which('clang++') !== undefined) return;
  throw new SetupError(`${forWhat} needs a C++ compiler, and none was found`, {
    fix: `sudo apt-get install build-essential cmake ninja-build (${WITHOUT_ROS})`,
  });
}

/**
 * @typedef {object} Python
 * @property {string} executable
 * @property {string} version major and minor, such as 3.11
 */

/** Versions that have wheels, the system's own first. */
const PYTHONS = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const WHEEL_PYTHONS = new Set(['3.10', '3.11', '3.12', '3.13']);
const ASK = 'import sys, ensurepip, venv; print("%d.%d" % sys.version_info[:2])';

/**
 * Finds a Python that can create a virtual environment for the ROS wheels.
 * @param {(executable: string, code: string) => string | undefined} [ask] runs code; undefined if it fails
 * @returns {Python}
 * @throws {SetupError} if there is no such Python
 */
export function requirePython(ask = (executable, code) => capture(executable, ['-c', code])) {
  for (const executable of PYTHONS) {
    const version = ask(executable, ASK)?.trim();
    if (version !== undefined && WHEEL_PYTHONS.has(version)) return { executable, version };
  }
  const found = ask('python3', 'import sys; print("%d.%d" % sys.version_info[:2])')?.trim();
  if (found === undefined) {
    throw new SetupError('ROS 2 from wheels needs Python 3.10 to 3.13, and there is no python3', {
      fix: `sudo apt-get install python3 python3-venv (${WITHOUT_ROS})`,
    });
  }
  if (WHEEL_PYTHONS.has(found)) {
    throw new SetupError(`Python ${found} cannot create virtual environments`, {
      fix: `sudo apt-get install python3-venv (${WITHOUT_ROS})`,
    });
  }
  throw new SetupError(`ROS 2 from wheels needs Python 3.10 to 3.13, python3 is ${found}`, {
    fix: `install one of them, for example with "uv python install 3.12" on the PATH (${WITHOUT_ROS})`,
  });
}
