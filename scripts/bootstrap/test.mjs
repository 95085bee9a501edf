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
import { describeFailures, describeRetries } from './test-failures.mjs';
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
/** @typedef {import('./test-groups.mjs').Group} Group */
/** @typedef {import('./test-groups.mjs').Context} Context */

/** Test groups that start real brokers and browsers. */
const REAL = /** @type {const} */ (['integration', 'fleet', 'ros']);
/** @typedef {typeof REAL[number]} RealGroup */

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
  await ensureTools(
    ros,
    REAL.filter((real) => groups.some(({ name }) => name === real) || files.some((file) => isOf(real, file))),
  );
  const env = rosEnvironment(ros, process.env);
  env['PATH'] = `${TOOLS_BIN}:${env['PATH'] ?? ''}:/usr/sbin`;
  if (ros === undefined) env['GOSHAWK_NO_ROS'] = '1';
  if (watch) return (await watchTests(files, env)) ?? 1;
  if (files.length > 0) {
    const counts = await vitestFiles(files, update, env);
    console.log(describeEnd([{ group: 'files', counts }]));
    return counts.failed === 0 ? 0 : 1;
  }

  const context = { env, hasRos: ros !== undefined };
  const linters = await runSideBySide(
    groups.filter(({ isLinter }) => isLinter),
    context,
  );
  const results = [...linters];
  for (const group of groups.filter(({ isLinter }) => isLinter !== true)) {
    console.log(`\n== ${group.name}`);
    results.push(await runGroup(group, context));
  }
  console.log(['', ...results.map(({ line }) => line), describeEnd(results)].join('\n'));
  return results.every(({ counts }) => counts.failed === 0) ? 0 : 1;
}

/** @typedef {{ group: string, counts: Counts, line: string }} Result */

/**
 * Runs groups two at a time, in their order.
 * @param {readonly Group[]} groups
 * @param {Context} context
 * @returns {Promise<Result[]>} in the order of the groups
 */
async function runSideBySide(groups, context) {
  /** @type {Result[]} */
  const results = [];
  const waiting = groups.entries();
  const lane = async () => {
    for (const [at, group] of waiting) results[at] = await runGroup(group, context);
  };
  await Promise.all([lane(), lane()]);
  return results;
}

/**
 * @param {Group} group
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function runGroup(group, context) {
  const started = performance.now();
  const counts = await group.run(context).catch((/** @type {unknown} */ error) => {
    console.error(error instanceof SetupError ? error.describe() : error);
    return oneTest(false);
  });
  const minutes = (performance.now() - started) / 60_000;
  const line = `${group.name}: ${describeCounts(counts)} in ${minutes.toFixed(1)} min`;
  console.log(`== ${line}`);
  return { group: group.name, counts, line };
}

/**
 * @param {readonly { group: string, counts: Counts }[]} results
 * @returns {string} what was skipped, tried again, or failed, and the counts on the last line
 */
function describeEnd(results) {
  const skips = results.map(({ group, counts }) => ({ group, skips: counts.skips ?? [] }));
  const failures = results.map(({ group, counts }) => ({
    group,
    failed: counts.failed,
    failures: counts.failures ?? [],
  }));
  const retries = results.map(({ group, counts }) => ({ group, retries: counts.retries ?? [] }));
  const total = sum(results.map(({ counts }) => counts));
  return `${describeSkips(skips)}${describeRetries(retries)}${describeFailures(failures)}${describeCounts(total)}`;
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

/**
 * @param {RealGroup} group
 * @param {string} file of tests, or a folder
 * @returns {boolean} whether the group has it
 */
const isOf = (group, file) => new RegExp(`(^|/)test/${group}(/|$)`).test(path.resolve(ROOT, file));

/**
 * Installs programs that only tests need. If one cannot be installed, this is reported, and its tests skip or
 * fail.
 * @param {RosInstallation | undefined} ros
 * @param {readonly RealGroup[]} groups that will run
 */
async function ensureTools(ros, groups) {
  if (groups.length === 0) return;
  const hasRos = ros !== undefined && groups.includes('ros');
  /** @type {readonly (readonly [string, boolean, () => void | Promise<void>])[]} */
  const tools = [
    ['mosquitto', true, ensureMosquitto],
    ['promtool', groups.includes('fleet'), ensurePromtool],
    ['Chromium', true, ensureChromium],
    ['ros2 command', hasRos, () => ensureRos2Command(ros)],
    ['independent consumer of telemetry', groups.includes('integration'), ensureTelemetryPeer],
    ['colcon', hasRos, ensureColcon],
  ];
  const steps = tools.filter(([, isNeeded]) => isNeeded);
  for (const [name, , ensure] of steps) {
    try {
      await showProgress(`[tests] ${name}`, ensure);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      console.error(`tests: ${error.describe()}`);
    }
  }
  // The ros2 command comes with an interface package.
  if (hasRos) await showProgress('[tests] ROS 2 for Node', (say) => ensureRclnodejs(ros, say));
}
