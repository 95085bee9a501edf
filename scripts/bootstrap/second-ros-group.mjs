import { rmSync } from 'node:fs';
import path from 'node:path';
import { findRos, thisMachine } from './find-ros.mjs';
import { exitCodeOf, skip } from './group-runners.mjs';
import { PLACES } from './paths.mjs';
import { showProgress } from './progress.mjs';
import { withoutRos } from './ros-env.mjs';
import { EXIT_ROS_UNAVAILABLE } from './ros-wheels.mjs';
import { makeSecondCheckout } from './second-checkout.mjs';
import { readVitestReport } from './test-results.mjs';
import { TOOLS_BIN } from './test-tools.mjs';

/** @typedef {import('./group-runners.mjs').Env} Env */
/** @typedef {import('./test-results.mjs').Counts} Counts */

/** The second distribution that the nodes are tested with. */
export const SECOND_DISTRO = 'kilted';

/**
 * Runs the group `ros` once more, against a second ROS 2 in a separate checkout.
 * @param {Env} env of the first
 * @returns {Promise<Counts>}
 */
export async function runSecondRos(env) {
  const again = `npm test -- --only ${SECOND_DISTRO}`;
  if (process.env['GOSHAWK_NO_ROS'] === '1') return skip(`GOSHAWK_NO_ROS=1 is set; without it: ${again}`);
  if (env['ROS_DISTRO'] === SECOND_DISTRO) return skip(`the group ros already runs on ${SECOND_DISTRO}`);
  /** @type {Env} */
  const plain = { ...withoutRos(process.env), GOSHAWK_ROS_DISTRO: SECOND_DISTRO };
  const search = findRos({ ...thisMachine(), env: plain });
  if (search.kind === 'none') {
    return skip(`${search.reason}; sudo apt-get install ros-${SECOND_DISTRO}-ros-base && ${again}`);
  }
  const checkout = await showProgress(`[${SECOND_DISTRO}] copy of the project`, () =>
    makeSecondCheckout(path.join(PLACES.tools, SECOND_DISTRO)),
  );
  const report = path.join(checkout, '.goshawk/test-results/ros.json');
  rmSync(report, { force: true });
  const code = await exitCodeOf(
    process.execPath,
    [path.join(checkout, 'scripts/bootstrap/main.mjs'), 'test', '--only', 'ros'],
    { ...plain, PATH: `${TOOLS_BIN}:${plain['PATH'] ?? ''}` },
  );
  if (code === EXIT_ROS_UNAVAILABLE) {
    return skip(
      `the wheels of ${SECOND_DISTRO} cannot be installed now, see above; with a network: ${again}`,
    );
  }
  return readVitestReport(report, code === 0);
}
