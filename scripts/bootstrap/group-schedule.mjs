import { Background } from './background.mjs';
import { obstacleToBackground } from './background-priority.mjs';
import { countsOf } from './group-counts.mjs';
import { describeCounts } from './test-results.mjs';

/** @typedef {import('./background-priority.mjs').Priority} Priority */
/** @typedef {import('./test-groups.mjs').Context} Context */
/** @typedef {import('./test-groups.mjs').Group} Group */
/** @typedef {import('./test-results.mjs').Counts} Counts */

/** @typedef {{ group: string, counts: Counts, line: string }} Result */

/**
 * @typedef {object} Options
 * @property {string} [source] URL of the module that exports the groups as `GROUPS`
 * @property {string | undefined} [obstacle] why nothing can run in the background
 * @property {Priority} [idle] of what runs there
 */

/** Exports the groups of `npm test`. */
const TEST_GROUPS = new URL('test-groups.mjs', import.meta.url).href;

/**
 * Runs groups: linters two at a time, then the others one after another. As soon as one begins that mostly waits, those
 * that only compute run in the background; what groups need is installed there from the start, beside them. Groups that
 * have not begun when the others have ended run as these did.
 * @param {readonly Group[]} groups
 * @param {Context} context
 * @param {Options} [options]
 * @returns {Promise<Result[]>} in the order of the groups
 */
export async function runGroups(groups, context, options = {}) {
  const { source = TEST_GROUPS } = options;
  const obstacle = 'obstacle' in options ? options.obstacle : obstacleToBackground();
  const couldShare = groups.some(({ waits }) => waits) && groups.some(({ inBackground }) => inBackground);
  if (couldShare && obstacle !== undefined) console.log(`nothing runs in the background: ${obstacle}`);
  const hasBackground = obstacle === undefined && groups.some(({ waits }) => waits);
  const behind = hasBackground ? groups.filter(({ inBackground }) => inBackground) : [];
  const front = groups.filter((group) => !behind.includes(group));

  /** @type {Map<Group, Result>} */
  const results = new Map();
  /** @param {Group} group */
  const run = async (group) => {
    const started = performance.now();
    const counts = await countsOf(group, context);
    const minutes = (performance.now() - started) / 60_000;
    const result = resultOf(group, counts, minutes, '');
    results.set(group, result);
    console.log(`== ${result.line}`);
  };
  /** @param {Group} group */
  const runVisibly = async (group) => {
    console.log(titleOf(group));
    await run(group);
  };
  const background = new Background(source, context, options.idle);
  try {
    if (hasBackground)
      background.prepare(groups.filter((group) => group.prepare !== undefined && group !== front[0]));
    await inTwoLanes(
      front.filter(({ isLinter }) => isLinter),
      run,
    );
    for (const group of front.filter(({ isLinter }) => isLinter !== true)) {
      if (group.waits)
        background.start(behind, (each, counts, output, minutes) => {
          const result = resultOf(each, counts, minutes, ', in the background');
          results.set(each, result);
          console.log(`${titleOf(each)}\n${output}== ${result.line}`);
        });
      await background.prepared(group);
      await runVisibly(group);
    }
    for (const group of await background.finish()) await runVisibly(group);
  } finally {
    background.stop();
  }
  return groups.flatMap((group) => results.get(group) ?? []);
}

/** @param {Group} group @returns {string} goes before its output; linters print one themselves */
const titleOf = ({ name, isLinter }) => (isLinter ? '' : `\n== ${name}`);

/**
 * @param {readonly Group[]} groups
 * @param {(group: Group) => Promise<void>} run
 */
async function inTwoLanes(groups, run) {
  const waiting = groups.values();
  const lane = async () => {
    for (const group of waiting) await run(group);
  };
  await Promise.all([lane(), lane()]);
}

/**
 * @param {Group} group
 * @param {Counts} counts
 * @param {number} minutes
 * @param {string} where
 * @returns {Result}
 */
function resultOf({ name }, counts, minutes, where) {
  return {
    group: name,
    counts,
    line: `${name}: ${describeCounts(counts)} in ${minutes.toFixed(1)} min${where}`,
  };
}
