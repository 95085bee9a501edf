import { parseArgs } from 'node:util';
import { ensureRclnodejs } from './rclnodejs.mjs';
import { SetupError, showProgress } from './progress.mjs';
import { rosEnvironment } from './ros-env.mjs';
import { setUp } from './setup.mjs';
import { selectGroups } from './test-groups.mjs';
import { describeCounts, oneTest, sum } from './test-results.mjs';
import {
  ensureChromium,
  ensureColcon,
  ensureMosquitto,
  ensureRos2Command,
  TOOLS_BIN,
} from './test-tools.mjs';

/** @typedef {import('./ros-env.mjs').RosInstallation} RosInstallation */

/** Groups of tests that start real brokers and browsers. */
const NEEDS_TOOLS = new Set(['integration', 'ros']);

/**
 * Sets up, runs the groups of tests, and prints how many tests passed and failed on the last line.
 * @param {readonly string[]} args `--only group,group`
 * @returns {Promise<number>} exit code: 0 when nothing failed
 */
export async function runTests(args) {
  const groups = selectGroups(parseOnly(args));
  const ros = await setUp();
  if (groups.some((group) => NEEDS_TOOLS.has(group.name))) await ensureTools(ros);
  const env = rosEnvironment(ros, process.env);
  env['PATH'] = `${TOOLS_BIN}:${env['PATH'] ?? ''}:/usr/sbin`;
  if (ros === undefined) env['GOSHAWK_NO_ROS'] = '1';

  const results = [];
  const times = [];
  const skips = [];
  for (const group of groups) {
    console.log(`\n== ${group.name}`);
    const started = performance.now();
    const counts = await group
      .run({ env, hasRos: ros !== undefined })
      .catch((/** @type {unknown} */ error) => {
        console.error(error instanceof SetupError ? error.describe() : error);
        return oneTest(false);
      });
    const minutes = (performance.now() - started) / 60_000;
    const line = `${group.name}: ${describeCounts(counts)} in ${minutes.toFixed(1)} min`;
    console.log(`== ${line}`);
    results.push(counts);
    times.push(line);
    skips.push(...(counts.skips ?? []).map((skip) => `  ${group.name}: ${skip}`));
  }
  const total = sum(results);
  const skipped = skips.length === 0 ? '' : `\nskipped, and what it takes to run it:\n${skips.join('\n')}\n`;
  console.log(`${skipped}\n${times.join('\n')}\n${describeCounts(total)}`);
  return total.failed === 0 ? 0 : 1;
}

/**
 * @param {readonly string[]} args
 * @returns {string | undefined}
 */
function parseOnly(args) {
  try {
    return parseArgs({ args: [...args], options: { only: { type: 'string' } } }).values.only;
  } catch (error) {
    throw new SetupError(error instanceof Error ? error.message : String(error), {
      fix: 'npm test -- --only unit,ros',
    });
  }
}

/**
 * Programs that only tests need. One that cannot be had is said, and the tests that need it skip or fail by themselves.
 * @param {RosInstallation | undefined} ros
 */
async function ensureTools(ros) {
  const steps = /** @type {const} */ ([
    ['mosquitto', ensureMosquitto],
    ['Chromium', ensureChromium],
    ['ros2 command', () => ensureRos2Command(ros)],
    ['colcon', async () => (ros === undefined ? undefined : await ensureColcon())],
  ]);
  for (const [name, ensure] of steps) {
    try {
      await showProgress(`[tests] ${name}`, ensure);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      console.error(`tests: ${error.describe()}`);
    }
  }
  // The ros2 command brings an interface package along.
  if (ros !== undefined) await showProgress('[tests] ROS 2 for Node', (say) => ensureRclnodejs(ros, say));
}
