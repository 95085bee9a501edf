import { existsSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { requireCompiler } from './build-tools.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { SetupError } from './progress.mjs';
import { rosEnvironment } from './ros-env.mjs';
import { run, which } from './run.mjs';
import { isFresh, keyOf, keyOfFiles, removeStamp, writeStamp } from './stamps.mjs';

/** @typedef {import('./ros-env.mjs').RosInstallation} RosInstallation */

const SOURCE = path.join(ROOT, 'scripts/ros/vision_msgs');

/**
 * @param {import('./ros-env.mjs').Env} env
 * @returns {string[]} folders of AMENT_PREFIX_PATH
 */
const prefixesOf = (env) => (env['AMENT_PREFIX_PATH'] ?? '').split(':').filter((entry) => entry !== '');

/**
 * Names of all interface packages in an environment, sorted.
 * @param {import('./ros-env.mjs').Env} env
 * @returns {string[]}
 */
export function interfacePackages(env) {
  const index = 'share/ament_index/resource_index/rosidl_interfaces';
  const names = prefixesOf(env)
    .map((prefix) => path.join(prefix, index))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder));
  return [...new Set(names)].sort();
}

/**
 * Builds vision_msgs if the installation lacks it: into the project's own prefix, or into an overlay if the
 * installation is not ours to change.
 * @param {RosInstallation} ros
 * @param {(activity: string) => void} say
 * @returns {Promise<RosInstallation>} the installation, with the overlay if one was made
 */
export async function ensureVisionMessages(ros, say) {
  const isOurs = ros.kind === 'wheels';
  const target = isOurs ? ros.prefix : path.join(PLACES.rosOverlays, ros.distro);
  const stamp = `vision_msgs-${ros.distro}`;
  const key = keyOf([target, ros.prefix, keyOfFiles([SOURCE])]);
  const isBuilt = existsSync(path.join(target, 'share/vision_msgs/package.xml'));
  const withTarget = isOurs ? ros : { ...ros, overlay: target };
  if (isBuilt && isFresh(stamp, key)) return withTarget;

  const env = rosEnvironment(ros, process.env);
  if (
    !isOurs &&
    prefixesOf(env).some((prefix) => existsSync(path.join(prefix, 'share/vision_msgs/package.xml')))
  )
    return ros;

  requireCompiler('vision_msgs');
  const searchPath = env['PATH'];
  if (which('cmake', searchPath) === undefined) {
    throw new SetupError('vision_msgs cannot be built: there is no cmake', {
      fix: `sudo apt-get install ros-${ros.distro}-vision-msgs (or cmake)`,
    });
  }
  say('building vision_msgs');
  removeStamp(stamp);
  const build = path.join(PLACES.state, 'build/vision_msgs');
  rmSync(build, { recursive: true, force: true });
  const generator = which('ninja', searchPath) === undefined ? [] : ['-GNinja'];
  // The system's ROS needs the system's Python, whatever comes first on the PATH.
  const python = isOurs ? path.join(ros.prefix, 'bin/python') : '/usr/bin/python3';
  const options = {
    log: 'vision_msgs',
    what: 'building vision_msgs',
    env,
    fix: `sudo apt-get install ros-${ros.distro}-vision-msgs`,
  };
  const definitions = [
    `-DCMAKE_INSTALL_PREFIX=${target}`,
    `-DPython3_EXECUTABLE=${python}`,
    '-DBUILD_TESTING=OFF',
  ];
  await run('cmake', ['-S', SOURCE, '-B', build, ...generator, ...definitions], options);
  await run(
    'cmake',
    ['--build', build, '--target', 'install', '--parallel', String(os.availableParallelism())],
    options,
  );
  rmSync(build, { recursive: true, force: true });
  writeStamp(stamp, key);
  return withTarget;
}
