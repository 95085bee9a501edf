import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { vitestFiles, watchTests } from './group-runners.mjs';
import { ROOT } from './paths.mjs';
import { ensureRclnodejs } from './rclnodejs.mjs';
import { SetupError, showProgress } from './progress.mjs';
import { rosEnvironment } from './ros-env.mjs';
import { setUp } from './setup.mjs';
import { selectGroups } from './test-groups.mjs';
import { ensureSystemPackages } from './system-packages.mjs';
import { describeFailures } from './test-failures.mjs';
import { describeCounts, describeSkips, oneTest, sum } from './test-results.mjs';
import {
  ensureChromium,
  ensureColcon,
  ensureMosquitto,
  ensurePromtool,
  ensureRos2Command,
  ensureTelemetryPeer,
  TOOLS_BIN,
} from './test-tools.mjs';

/** @typedef {import('./ros-env.mjs').RosInstallation} RosInstallation */
/** @typedef {import('./test-results.mjs').Counts} Counts */

/** Test groups that start real brokers and browsers. */
const NEEDS_TOOLS = new Set(['integration', 'fleet', 'ros']);

/**
 * Sets up, runs the test groups, and prints how many tests passed and failed on the last line.
 * @param {readonly string[]} args `--only group,group`, or test files, also with `--update`, or
 *   `--watch` with optional test files
 * @returns {Promise<number>} exit code: 0 if nothing failed
 */
export async function runTests(args) {
  const { only, watch, update, files } = parseTestArguments(args);
  const groups = files.length > 0 || watch ? [] : selectGroups(only);
  await showProgress('[tests] system packages', ensureSystemPackages);
  const ros = await setUp();
  const needsTools = groups.some(({ name }) => NEEDS_TOOLS.has(name)) || files.some((file) => isReal(file));
  if (needsTools) await ensureTools(ros);
  const env = rosEnvironment(ros, process.env);
  env['PATH'] = `${TOOLS_BIN}:${env['PATH'] ?? ''}:/usr/sbin`;
  if (ros === undefined) env['GOSHAWK_NO_ROS'] = '1';
  if (watch) return (await watchTests(files, env)) ?? 1;
  if (files.length > 0) {
    const counts = await vitestFiles(files, update, env);
    console.log(describeEnd([{ group: 'files', counts }]));
    return counts.failed === 0 ? 0 : 1;
  }

  const results = [];
  const times = [];
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
    results.push({ group: group.name, counts });
    times.push(line);
  }
  console.log(['', ...times, describeEnd(results)].join('\n'));
  return results.every(({ counts }) => counts.failed === 0) ? 0 : 1;
}

/**
 * @param {readonly { group: string, counts: Counts }[]} results
 * @returns {string} what was skipped, what failed, and the counts on the last line
 */
function describeEnd(results) {
  const skips = results.map(({ group, counts }) => ({ group, skips: counts.skips ?? [] }));
  const failures = results.map(({ group, counts }) => ({
    group,
    failed: counts.failed,
    failures: counts.failures ?? [],
  }));
  const total = sum(results.map(({ counts }) => counts));
  return `${describeSkips(skips)}${describeFailures(failures)}${describeCounts(total)}`;
}

/**
 * @param {readonly string[]} args
 * @returns {{ only: string | undefined, watch: boolean, update: boolean, files: string[] }}
 * @throws {SetupError} if they make no sense
 */
export function parseTestArguments(args) {
  const fix = 'npm test, npm test -- --only unit,ros, or npm test -- test/core/nms.test.ts';
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        watch: { type: 'boolean', default: false },
        update: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const { only, watch, update } = values;
    if (only !== undefined && (watch || positionals.length > 0))
      throw new Error('--only selects groups; it cannot be combined with files or --watch');
    if (update && (watch || positionals.length === 0))
      throw new Error('--update writes what tests compare with, and needs the names of test files');
    const missing = positionals.find((file) => !existsSync(path.resolve(ROOT, file)));
    if (missing !== undefined) throw new Error(`there is no test file ${missing}`);
    return { only, watch, update, files: positionals };
  } catch (error) {
    throw new SetupError(error instanceof Error ? error.message : String(error), { fix });
  }
}

/** @param {string} file @returns {boolean} whether its tests start real brokers, browsers or ROS nodes */
const isReal = (file) => /(^|\/)test\/(integration|fleet|ros)(\/|$)/.test(path.resolve(ROOT, file));

/**
 * Installs programs that only tests need. If one cannot be installed, this is reported, and its tests skip or
 * fail.
 * @param {RosInstallation | undefined} ros
 */
async function ensureTools(ros) {
  const steps = /** @type {const} */ ([
    ['mosquitto', ensureMosquitto],
    ['promtool', ensurePromtool],
    ['Chromium', ensureChromium],
    ['ros2 command', () => ensureRos2Command(ros)],
    ['independent consumer of telemetry', ensureTelemetryPeer],
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
  // The ros2 command comes with an interface package.
  if (ros !== undefined) await showProgress('[tests] ROS 2 for Node', (say) => ensureRclnodejs(ros, say));
}
