import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { installPackages, unpackPackages } from './debian-packages.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { SetupError } from './progress.mjs';
import { capture, run, which } from './run.mjs';
import { fetchNode } from './runtime-node.mjs';
import { keyOfFiles, once } from './stamps.mjs';

/**
 * @typedef {object} Arm64
 * @property {string} node starts Node for arm64, emulated, as the command `node` would
 * @property {string} app this package as npm installs it on arm64: the same dist/, other binaries in
 *   node_modules
 */

/** A Cortex-A76 (Raspberry Pi 5; predecessor of the Cortex-A78AE of a Jetson Orin): dot products, no SVE. */
const CPU = 'cortex-a76';
const PACKAGES = ['qemu-user', 'libc6-arm64-cross', 'libstdc++6-arm64-cross'];
/** Includes a static emulator, which needs no system libraries and so can be unpacked anywhere. */
const PACKAGES_TO_UNPACK = [
  'qemu-user-static',
  'qemu-user',
  'libc6-arm64-cross',
  'libgcc-s1-arm64-cross',
  'libstdc++6-arm64-cross',
];
const FOLDER = path.join(PLACES.tools, 'arm64');
const UNPACKED = path.join(FOLDER, 'debian');

/** The emulator or its libraries are not available here; `fix` is the command that installs them. */
export class EmulationUnavailableError extends SetupError {}

/**
 * @returns {{ emulator: string, libraries: string } | undefined} program, and folder that contains lib/
 */
function findEmulation() {
  const emulator = [
    which('qemu-aarch64'),
    which('qemu-aarch64-static'),
    path.join(UNPACKED, 'usr/bin/qemu-aarch64-static'),
    path.join(UNPACKED, 'usr/bin/qemu-aarch64'),
  ].find((each) => each !== undefined && capture(each, ['--version']) !== undefined);
  const libraries = ['/usr/aarch64-linux-gnu', path.join(UNPACKED, 'usr/aarch64-linux-gnu')].find((folder) =>
    ['ld-linux-aarch64.so.1', 'libstdc++.so.6', 'libgcc_s.so.1'].every((name) =>
      existsSync(path.join(folder, 'lib', name)),
    ),
  );
  return emulator === undefined || libraries === undefined ? undefined : { emulator, libraries };
}

/**
 * @param {(activity: string) => void} say
 * @returns {Promise<{ emulator: string, libraries: string }>}
 * @throws {EmulationUnavailableError}
 */
async function ensureEmulation(say) {
  const fix = `sudo apt-get update && sudo apt-get install ${PACKAGES.join(' ')}`;
  const present = findEmulation();
  if (present !== undefined) return present;
  say('installing qemu-user and arm64 libraries');
  if (!(await installPackages(PACKAGES, 'arm64'))) {
    try {
      await unpackPackages(PACKAGES_TO_UNPACK, UNPACKED, { name: 'arm64', fix });
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      throw new EmulationUnavailableError(error.message, {
        fix,
        log: error.log,
      });
    }
  }
  const found = findEmulation();
  if (found === undefined) throw new EmulationUnavailableError('qemu-aarch64 does not run here', { fix });
  return found;
}

/** @returns {string} the /proc/cpuinfo of such a machine; without it ONNX Runtime segfaults */
function cpuInfo() {
  const lines = [
    'BogoMIPS\t: 50.00',
    'Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp',
    'CPU implementer\t: 0x41',
    'CPU architecture: 8',
    'CPU variant\t: 0x4',
    'CPU part\t: 0xd0b',
    'CPU revision\t: 1',
  ];
  return Array.from({ length: availableParallelism() }, (_, core) =>
    [`processor\t: ${core}`, ...lines, '', ''].join('\n'),
  ).join('');
}

/**
 * @param {string} text
 * @returns {string} quoted for a shell
 */
const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Node for arm64 behind a script. This machine's kernel cannot start such a program directly, so processes
 * that Node starts must go through the script too.
 * @param {{ emulator: string, libraries: string }} emulation
 * @returns {Promise<string>} the script
 */
async function ensureEmulatedNode({ emulator, libraries }) {
  const executable = await fetchNode('arm64');
  const sysroot = path.join(FOLDER, 'sysroot');
  const script = path.join(FOLDER, 'node');
  const execPath = path.join(FOLDER, 'exec-path.cjs');
  await once('arm64-node', [FOLDER, emulator, libraries, executable, cpuInfo()], script, () => {
    rmSync(sysroot, { recursive: true, force: true });
    cpSync(path.join(libraries, 'lib'), path.join(sysroot, 'lib'), { recursive: true, dereference: true });
    mkdirSync(path.join(sysroot, 'proc'));
    writeFileSync(path.join(sysroot, 'proc/cpuinfo'), cpuInfo());
    writeFileSync(execPath, `process.execPath = ${JSON.stringify(script)};\n`);
    const command = [emulator, '-cpu', CPU, '-L', sysroot, executable, '--require', execPath];
    writeFileSync(script, `#!/bin/sh\nexec ${command.map(quote).join(' ')} "$@"\n`);
    chmodSync(script, 0o755);
  });
  return script;
}

/**
 * The packages of the lock file as npm installs them on an arm64 machine, together with the build under test.
 * @returns {Promise<string>} the folder
 */
async function ensureApp() {
  const app = path.join(FOLDER, 'app');
  const files = ['package.json', 'package-lock.json', '.npmrc'];
  const inputs = [app, keyOfFiles(files.map((name) => path.join(ROOT, name)))];
  await once('arm64-packages', inputs, path.join(app, 'node_modules/.package-lock.json'), async () => {
    rmSync(app, { recursive: true, force: true });
    mkdirSync(app, { recursive: true });
    for (const name of files) copyFileSync(path.join(ROOT, name), path.join(app, name));
    await run(
      'npm',
      [
        'ci',
        '--cpu=arm64',
        '--os=linux',
        '--libc=glibc',
        '--omit=dev',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
      ],
      {
        log: 'arm64',
        what: 'npm ci for arm64',
        cwd: app,
        fix: 'check the network and the free disk space',
      },
    );
    symlinkSync(path.join(ROOT, 'models'), path.join(app, 'models'));
  });
  const dist = path.join(app, 'dist');
  // not while tests run from it
  await once('arm64-build', [dist, keyOfFiles([PLACES.dist])], path.join(dist, 'cli.js'), () => {
    rmSync(dist, { recursive: true, force: true });
    cpSync(PLACES.dist, dist, { recursive: true });
  });
  return app;
}

/**
 * Installs everything needed to run this package as on an arm64 machine. Nearly free if it is already
 * installed.
 * @param {(activity: string) => void} say
 * @returns {Promise<Arm64>}
 * @throws {EmulationUnavailableError} if the emulator is not available
 * @throws {SetupError} if Node or the packages cannot be installed
 */
export async function ensureArm64(say) {
  const emulation = await ensureEmulation(say);
  say('installing Node and packages for arm64');
  return { node: await ensureEmulatedNode(emulation), app: await ensureApp() };
}
