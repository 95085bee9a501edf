import path from 'node:path';
import { packaged, prepareQuantizer, pytest, quantizer, showAtEnd, vitest } from './group-runners.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { prepareArm64, runArm64, runAvx2 } from './processor-groups.mjs';
import { SetupError } from './progress.mjs';
import { prepareSecondRos, runSecondRos, SECOND_DISTRO, skipRos } from './second-ros-group.mjs';
import { oneTest, sum } from './test-results.mjs';
import { ensureRuff, ensureTraining } from './test-tools.mjs';

/** @typedef {import('./test-results.mjs').Counts} Counts */
/** @typedef {import('./group-runners.mjs').Env} Env */

/**
 * @typedef {object} Context
 * @property {Env} env environment with ROS, if there is one, and the tools on the PATH
 * @property {boolean} hasRos
 * @property {readonly string[]} selected names of all groups that run
 */

/**
 * @typedef {object} Group
 * @property {string} name for --only
 * @property {readonly string[]} [aliases]
 * @property {boolean} [isLinter] uses one core and prints when it ends: two run side by side
 * @property {boolean} [waits] mostly waits for processes, so that there is time for another group beside it
 * @property {boolean} [inBackground] only computes and has no time limits, so that it can run beside groups that wait
 * @property {(context: Context) => Promise<void>} [prepare] installs what only this group needs; `run` does that too,
 *   and reports what fails
 * @property {(context: Context) => Promise<Counts>} run
 */

/**
 * A group that runs one program of node_modules, counted as one test.
 * @param {string} name
 * @param {readonly string[]} command script in node_modules and its arguments
 * @param {Partial<Group>} [more]
 * @returns {Group}
 */
function linter(name, [script = '', ...args], more = {}) {
  return {
    name,
    aliases: ['lint'],
    isLinter: true,
    ...more,
    run: async ({ env }) =>
      oneTest(await showAtEnd(name, process.execPath, [packaged(script), ...args], env)),
  };
}

/** @param {Context} context */
async function runTraining({ env }) {
  await ensureTraining();
  const python = path.join(PLACES.tools, 'training/bin/python');
  return await pytest([python], path.join(ROOT, 'scripts/training'), {
    label: 'training',
    group: 'training',
    // Its own packages only: the ROS environment points to another Python's.
    env: { ...env, PYTHONPATH: undefined },
  });
}

/** @param {Context} context */
async function runRuff({ env }) {
  const places = ['scripts', 'launch', 'test'].map((name) => path.join(ROOT, name));
  await ensureRuff();
  return oneTest(await showAtEnd('ruff', path.join(PLACES.tools, 'py/bin/ruff'), ['check', ...places], env));
}

/** In the order in which they run: the fastest to fail first. @type {readonly Group[]} */
export const GROUPS = [
  linter('typecheck', ['typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit'], { aliases: [] }),
  linter('typecheck-page', ['typescript/bin/tsc', '-p', 'src/device/web/page'], { aliases: ['typecheck'] }),
  linter('typecheck-fleet-page', ['typescript/bin/tsc', '-p', 'src/fleet/web/page'], {
    aliases: ['typecheck'],
  }),
  // as long as all other linters together
  linter('eslint', ['eslint/bin/eslint.js', '.'], { inBackground: true }),
  linter('prettier', ['prettier/bin/prettier.cjs', '--check', '.', '--log-level', 'warn']),
  linter('depcruise', [
    'dependency-cruiser/bin/dependency-cruise.mjs',
    '--config',
    '.dependency-cruiser.cjs',
    'src',
  ]),
  linter('knip', ['knip/bin/knip.js']),
  linter('knip-production', ['knip/bin/knip.js', '--production']),
  { name: 'ruff', aliases: ['lint'], isLinter: true, run: runRuff },
  { name: 'unit', run: ({ env }) => vitest('unit', env, ['--project', 'unit-apart']) },
  { name: 'integration', waits: true, run: ({ env }) => vitest('integration', env) },
  {
    name: 'fleet',
    waits: true,
    run: async ({ env }) => sum([await vitest('fleet', env), await vitest('fleet-faults', env)]),
  },
  {
    name: 'ros',
    waits: true,
    run: async ({ env, hasRos }) => (hasRos ? await vitest('ros', env) : skipRos()),
  },
  { name: SECOND_DISTRO, waits: true, prepare: prepareSecondRos, run: runSecondRos },
  {
    name: 'quantizer',
    inBackground: true,
    prepare: async () => void (await prepareQuantizer()),
    run: ({ env }) => quantizer(env),
  },
  // its tests have time limits
  { name: 'avx2', run: runAvx2 },
  {
    name: 'arm64',
    inBackground: true,
    prepare: prepareArm64,
    run: (context) => runArm64(context, 'arm64'),
  },
  {
    name: 'arm64-run',
    aliases: ['arm64'],
    prepare: prepareArm64,
    run: (context) => runArm64(context, 'arm64-run'),
  },
  // last, since what it needs takes longest to install
  { name: 'training', inBackground: true, prepare: ensureTraining, run: runTraining },
];

/**
 * @param {string | undefined} only comma-separated names; undefined for all
 * @returns {readonly Group[]}
 * @throws {SetupError} on an unknown name
 */
export function selectGroups(only) {
  if (only === undefined) return GROUPS;
  const names = only.split(',').filter((name) => name !== '');
  const unknown = names.filter(
    (name) => !GROUPS.some((group) => group.name === name || group.aliases?.includes(name)),
  );
  if (unknown.length > 0 || names.length === 0) {
    throw new SetupError(`there is no test group "${unknown.join(', ')}"`, {
      fix: `use --only with some of: lint, ${GROUPS.map((group) => group.name).join(', ')}`,
    });
  }
  return GROUPS.filter(
    (group) => names.includes(group.name) || group.aliases?.some((alias) => names.includes(alias)),
  );
}
