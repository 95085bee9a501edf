import { rmSync } from 'node:fs';
import path from 'node:path';
import { findRos, thisMachine } from './find-ros.mjs';
import { exitCodeOf, skip } from './group-runners.mjs';
import { PLACES } from './paths.mjs';
import { SetupError, showProgress } from './progress.mjs';
import { withoutRos } from './ros-env.mjs';
import { EXIT_ROS_UNAVAILABLE } from './ros-wheels.mjs';
import { makeSecondCheckout } from './second-checkout.mjs';
import { readVitestReport } from './test-results.mjs';
import { TOOLS_BIN } from './test-tools.mjs';

/** @typedef {import('./group-runners.mjs').Env} Env */
/** @typedef {import('./test-groups.mjs').Context} Context */
/** @typedef {import('./test-results.mjs').Counts} Counts */

/** The second distribution that the nodes are tested with. */
export const SECOND_DISTRO = 'kilted';

/** The one that set-up installs. */
const FIRST_DISTRO = 'jazzy';

const AGAIN = `npm test -- --only ${SECOND_DISTRO}`;

/**
 * The command that installs or enables a ROS 2 if set-up found none, and runs tests with it.
 * @param {Env} env
 * @param {string} distro
 * @param {string} again
 * @returns {string}
 */
function rosCommand(env, distro, again) {
  if (env['GOSHAWK_NO_ROS'] === '1') return `env -u GOSHAWK_NO_ROS ${again}`;
  // another one is sourced
  if (env['AMENT_PREFIX_PATH'] !== undefined) return `env -u GOSHAWK_ROS_DISTRO ${again}`;
  return `sudo apt-get install ros-${distro}-ros-base && ${again}`;
}

/**
 * Skips the group `ros` if set-up continued without ROS 2.
 * @param {import('./find-ros.mjs').Machine} [machine]
 * @returns {Counts}
 */
export function skipRos(machine = thisMachine()) {
  const search = findRos(machine);
  const reason = search.kind === 'none' ? search.reason : 'set-up found no ROS 2';
  return skip(
    reason,
    rosCommand(machine.env, machine.env['GOSHAWK_ROS_DISTRO'] || FIRST_DISTRO, 'npm test -- --only ros'),
  );
}

/**
 * How the group `ros` runs against a second ROS 2.
 * @param {Env} env of the first
 * @returns {{ plain: Env } | { reason: string, command: string }} the environment that its set-up begins with, or why
 *   it is skipped and the command that runs it
 */
function secondRos(env) {
  if (env['ROS_DISTRO'] === SECOND_DISTRO) {
    return {
      reason: `the group ros already runs on ${SECOND_DISTRO}; in a shell that has not sourced it`,
      command: `GOSHAWK_ROS_DISTRO=${FIRST_DISTRO} npm test -- --only ros`,
    };
  }
  /** @type {Env} */
  const plain = { ...withoutRos(process.env), GOSHAWK_ROS_DISTRO: SECOND_DISTRO };
  const search = findRos({ ...thisMachine(), env: plain });
  if (search.kind === 'none')
    return { reason: search.reason, command: rosCommand(plain, SECOND_DISTRO, AGAIN) };
  return { plain };
}

/**
 * Makes the separate checkout, and runs its group `ros`.
 * @param {Env} plain
 * @param {readonly string[]} [more] arguments of `npm test`
 * @returns {Promise<{ code: number | null, report: string }>}
 */
async function testSecondCheckout(plain, more = []) {
  const checkout = await showProgress(`[${SECOND_DISTRO}] copy of the project`, () =>
    makeSecondCheckout(path.join(PLACES.tools, SECOND_DISTRO)),
  );
  const report = path.join(checkout, '.goshawk/test-results/ros.json');
  rmSync(report, { force: true });
  const code = await exitCodeOf(
    process.execPath,
    [path.join(checkout, 'scripts/bootstrap/main.mjs'), 'test', '--only', 'ros', ...more],
    { ...plain, PATH: `${TOOLS_BIN}:${plain['PATH'] ?? ''}` },
  );
  return { code, report };
}

/**
 * Sets up the separate checkout for a second ROS 2, if there can be one.
 * @param {Context} context
 * @throws {SetupError} if that fails
 */
export async function prepareSecondRos({ env }) {
  const second = secondRos(env);
  if ('reason' in second) return;
  const { code } = await testSecondCheckout(second.plain, ['--prepare']);
  if (code !== 0) throw new SetupError('the second checkout could not be set up, see above', { fix: AGAIN });
}

/**
 * Runs the group `ros` once more, against a second ROS 2 in a separate checkout.
 * @param {Context} context
 * @returns {Promise<Counts>}
 */
export async function runSecondRos({ env }) {
  const second = secondRos(env);
  if ('reason' in second) return skip(second.reason, second.command);
  const { code, report } = await testSecondCheckout(second.plain);
  if (code === EXIT_ROS_UNAVAILABLE) {
    return skip(`the wheels of ${SECOND_DISTRO} could not be installed, see above; with a network`, AGAIN);
  }
  return readVitestReport(report, code === 0, AGAIN);
}
