import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { ensureAmentPackage } from './ament.mjs';
import { ensureBuild } from './build.mjs';
import { findRos, thisMachine } from './find-ros.mjs';
import { ensureNodePackages } from './node-packages.mjs';
import { PLACES } from './paths.mjs';
import { showProgress } from './progress.mjs';
import { ensureRclnodejs } from './rclnodejs.mjs';
import { ensureVisionMessages } from './ros-packages.mjs';
import { installRosWheels } from './ros-wheels.mjs';

/** @typedef {import('./ros-env.mjs').RosInstallation} RosInstallation */
/** @typedef {(activity: string) => void} Say */

const STEPS = 6;

/**
 * Sets up everything that is missing. Nearly free if nothing is.
 * @param {{ needsBuild?: boolean }} [options] not for what runs from sources, which may be broken
 * @returns {Promise<RosInstallation | undefined>} the ROS 2 in use, if there can be one here
 * @throws {import('./progress.mjs').SetupError} with the command that fixes the failure
 */
export async function setUp({ needsBuild = true } = {}) {
  await showProgress(`[1/${STEPS}] npm packages`, ensureNodePackages);
  const ros = await showProgress(`[2/${STEPS}] ROS 2`, ensureRos);
  const complete = await showProgress(`[3/${STEPS}] ROS 2 packages`, (/** @type {Say} */ say) =>
    addPackages(ros, say),
  );
  recordRos(complete);
  await showProgress(`[4/${STEPS}] ROS 2 for Node`, async (say) => {
    if (complete !== undefined) await ensureRclnodejs(complete, say);
  });
  if (needsBuild) await showProgress(`[5/${STEPS}] build`, ensureBuild);
  await showProgress(`[6/${STEPS}] ROS 2 package`, async (say) => {
    if (complete !== undefined) await ensureAmentPackage(say);
  });
  return complete;
}

/**
 * @param {Say} say
 * @returns {Promise<RosInstallation | undefined>}
 */
async function ensureRos(say) {
  const search = findRos(thisMachine());
  switch (search.kind) {
    case 'found':
      return search.ros;
    case 'wheels':
      return await installRosWheels(search.distro, say);
    case 'none':
      console.error(
        `set-up: continuing without ROS 2: ${search.reason}. Cameras run in this process; "goshawk run" needs no ROS.`,
      );
      return undefined;
  }
}

/**
 * @param {RosInstallation | undefined} ros
 * @param {Say} say
 * @returns {Promise<RosInstallation | undefined>}
 */
async function addPackages(ros, say) {
  return ros === undefined ? undefined : await ensureVisionMessages(ros, say);
}

/** @param {RosInstallation | undefined} ros */
function recordRos(ros) {
  // One run without ROS must not make the next command forget it.
  if (process.env['GOSHAWK_NO_ROS'] === '1') return;
  mkdirSync(PLACES.state, { recursive: true });
  if (ros === undefined) rmSync(PLACES.rosRecord, { force: true });
  else writeFileSync(PLACES.rosRecord, `${JSON.stringify(ros, undefined, 2)}\n`);
}
