import { existsSync } from 'node:fs';
import path from 'node:path';
import { PLACES, ROOT } from './paths.mjs';
import { run } from './run.mjs';
import { isFresh, keyOf, keyOfFiles, removeStamp, writeStamp } from './stamps.mjs';

const STAMP = 'ament';
const SOURCES = ['launch', 'package.xml', 'scripts/install-ament', 'scripts/ros/run-node'];

/**
 * Installs Goshawk's own ROS 2 package, for "ros2 run goshawk" and "ros2 launch goshawk". It points to this
 * folder, so a new build needs no new installation.
 * @param {(activity: string) => void} say
 */
export async function ensureAmentPackage(say) {
  const key = keyOf([PLACES.ament, keyOfFiles(SOURCES.map((name) => path.join(ROOT, name)))]);
  if (isFresh(STAMP, key) && existsSync(path.join(PLACES.ament, 'share/goshawk/package.xml'))) return;
  removeStamp(STAMP);
  say('installing the ROS 2 package');
  await run(path.join(ROOT, 'scripts/install-ament'), [PLACES.ament], {
    log: 'ament',
    what: 'installing the ROS 2 package',
    fix: `rm -r ${PLACES.ament}, and run the command again`,
  });
  writeStamp(STAMP, key);
}
