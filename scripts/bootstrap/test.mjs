import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { vitestFiles, watchTests } from './group-runners.mjs';
import { runGroups } from './group-schedule.mjs';
import { ROOT } from './paths.mjs';
import { ensureRclnodejs } from './rclnodejs.mjs';
import { SetupError, showProgress } from './progress.mjs';
import { rosEnvironment } from './ros-env.mjs';
import { setUp } from './setup.mjs';
import { selectGroups } from './test-groups.mjs';
import { ensureSystemPackages } from './system-packages.mjs';
import { describeFailures, describeRetries } from './test-failures.mjs';
import { describeCounts, describeSkips, sum } from './test-results.mjs';
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
const REAL = /** @type {const} */ (['integration', 'fleet', 'ros']);
/** @typedef {typeof REAL[number]} RealGroup */

/**
 * Sets up, runs the test groups, and prints how many tests passed and failed on the last line.
 * @param {readonly string[]} args `--only group,group`, also with `--prepare`, or test files, also with `--update`, or
 *   `--watch` with optional test files
 * @returns {Promise<number>} exit code: 0 if nothing failed
 */
export async function runTests(args) {
  const { only, prepare, watch, update, files } = parseTestArguments(args);
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

  const context = { env, hasRos: ros !== undefined, selected: groups.map(({ name }) => name) };
  if (prepare) return (await prepareGroups(groups, context)) ? 0 : 1;
  const results = await runGroups(groups, context);
  console.log(['', ...results.map(({ line }) => line), describeEnd(results)].join('\n'));
  return results.every(({ counts }) => counts.failed === 0) ? 0 : 1;
}

/**
 * Installs what only single groups need, and reports what cannot be installed.
 * @param {readonly import('./test-groups.mjs').Group[]} groups
 * @param {import('./test-groups.mjs').Context} context
 * @returns {Promise<boolean>} whether everything is there
 */
async function prepareGroups(groups, context) {
  let isComplete = true;
  for (const { name, prepare } of groups) {
    try {
      await prepare?.(context);
    } catch (error) {
      console.error(`${name}: ${error instanceof SetupError ? error.describe() : String(error)}`);
      isComplete = false;
    }
  }
  return isComplete;
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
 * @returns {{ only: string | undefined, prepare: boolean, watch: boolean, update: boolean, files: string[] }}
 * @throws {SetupError} if they make no sense
 */
export function parseTestArguments(args) {
  const fix = 'npm test, npm test -- --only unit,ros, or npm test -- test/core/nms.test.ts';
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        prepare: { type: 'boolean', default: false },
        watch: { type: 'boolean', default: false },
        update: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const { only, prepare, watch, update } = values;
    if (only !== undefined && (watch || positionals.length > 0))
      throw new Error('--only selects groups; it cannot be combined with files or --watch');
    if (prepare && (watch || positionals.length > 0))
      throw new Error('--prepare installs what groups need; it cannot be combined with files or --watch');
    if (update && (watch || positionals.length === 0))
      throw new Error('--update writes what tests compare with, and needs the names of test files');
    const missing = positionals.find((file) => !existsSync(path.resolve(ROOT, file)));
    if (missing !== undefined) throw new Error(`there is no test file ${missing}`);
    return { only, prepare, watch, update, files: positionals };
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

/** @typedef {{ name: string, isNeeded: boolean, ensure: () => void | Promise<void> }} Tool */

/**
 * Installs programs that only tests need. If one cannot be installed, this is reported, and its tests skip or
 * fail.
 * @param {RosInstallation | undefined} ros
 * @param {readonly RealGroup[]} groups that will run
 */
async function ensureTools(ros, groups) {
  if (groups.length === 0) return;
  const hasRos = ros !== undefined && groups.includes('ros');
  // Side by side, since they wait for the network. Within a list not: packages of the system are installed one by one.
  /** @type {readonly (readonly Tool[])[]} */
  const lists = [
    [
      { name: 'mosquitto', isNeeded: true, ensure: ensureMosquitto },
      { name: 'promtool', isNeeded: groups.includes('fleet'), ensure: ensurePromtool },
      { name: 'Chromium', isNeeded: true, ensure: ensureChromium },
    ],
    [{ name: 'ros2 command', isNeeded: hasRos, ensure: () => ensureRos2Command(ros) }],
    [
      {
        name: 'independent consumer of telemetry',
        isNeeded: groups.includes('integration'),
        ensure: ensureTelemetryPeer,
      },
      { name: 'colcon', isNeeded: hasRos, ensure: ensureColcon },
    ],
  ];
  /** @type {readonly SetupError[]} */
  const problems = await showProgress('[tests] tools', (say) =>
    installTools(
      lists.map((list) => list.filter(({ isNeeded }) => isNeeded)),
      say,
    ),
  );
  for (const problem of problems) console.error(`tests: ${problem.describe()}`);
  // The ros2 command comes with an interface package.
  if (hasRos) await showProgress('[tests] ROS 2 for Node', (say) => ensureRclnodejs(ros, say));
}

/**
 * @param {readonly (readonly Tool[])[]} lists side by side, each in its order
 * @param {(activity: string) => void} say
 * @returns {Promise<SetupError[]>} what could not be installed
 */
async function installTools(lists, say) {
  /** @type {SetupError[]} */
  const problems = [];
  /** @type {Set<string>} */
  const underway = new Set();
  const show = () => say([...underway].join(', '));
  await Promise.all(
    lists.map(async (list) => {
      for (const { name, ensure } of list) {
        underway.add(name);
        show();
        try {
          await ensure();
        } catch (error) {
          if (!(error instanceof SetupError)) throw error;
          problems.push(error);
        }
        underway.delete(name);
        show();
      }
    }),
  );
  return problems;
}
