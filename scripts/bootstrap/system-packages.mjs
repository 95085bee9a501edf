import { existsSync } from 'node:fs';
import { requirePython } from './build-tools.mjs';
import { installPackages } from './debian-packages.mjs';
import { capture, which } from './run.mjs';
import { SetupError } from './progress.mjs';

/** System libraries that the browser of the tests is linked against. */
export const CHROMIUM_PACKAGES = ['libnss3', 'libnspr4', 'libexpat1'];

/**
 * @typedef {object} SystemTool
 * @property {readonly string[]} packages of Debian and its derivatives
 * @property {() => boolean} isThere
 */

/** @param {readonly string[]} names @returns {boolean} */
const hasOneOf = (names) => names.some((name) => which(name) !== undefined);

/** @returns {boolean} whether ROS 2 from wheels can be installed and compiled against */
function hasPython() {
  try {
    const { executable } = requirePython();
    const ask = 'import sysconfig; print(sysconfig.get_path("include"))';
    const headers = capture(executable, ['-c', ask])?.trim();
    return headers !== undefined && existsSync(`${headers}/Python.h`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return false;
  }
}

/** System packages for set-up and the tests; Mosquitto and the arm64 emulator also have other sources. */
const TOOLS = /** @type {readonly SystemTool[]} */ ([
  { packages: ['build-essential'], isThere: () => hasOneOf(['c++', 'g++', 'clang++']) },
  { packages: ['gcc', 'libc6-dev'], isThere: () => hasOneOf(['cc', 'gcc', 'clang']) },
  { packages: ['binutils'], isThere: () => hasOneOf(['objdump']) },
  { packages: ['python3', 'python3-venv', 'python3-dev'], isThere: hasPython },
]);

/**
 * Installs what is missing, where this may be done without asking: as root, on Debian and its derivatives.
 * Elsewhere nothing happens, and the tests that need something are skipped, or set-up names the command.
 * @param {(activity: string) => void} say
 * @param {readonly SystemTool[]} [tools]
 * @param {typeof installPackages} [install]
 * @returns {Promise<void>}
 */
export async function ensureSystemPackages(say, tools = TOOLS, install = installPackages) {
  const packages = tools.filter(({ isThere }) => !isThere()).flatMap((tool) => tool.packages);
  if (packages.length === 0) return;
  say(`installing ${packages.join(', ')}`);
  await install(packages, 'system-packages');
}
