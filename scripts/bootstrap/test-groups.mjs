import { rmSync } from 'node:fs';
import path from 'node:path';
import { packaged, quantizer, show, showAtEnd, vitest } from './group-runners.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { runArm64, runAvx2 } from './processor-groups.mjs';
import { SetupError } from './progress.mjs';
import { runSecondRos, SECOND_DISTRO, skipRos } from './second-ros-group.mjs';
import { oneTest, readJunitReport, sum } from './test-results.mjs';
import { ensureRuff, ensureTraining } from './test-tools.mjs';

/** @typedef {import('./test-results.mjs').Counts} Counts */
/** @typedef {import('./group-runners.mjs').Env} Env */

/**
 * @typedef {object} Context
 * @property {Env} env environment with ROS, if there is one, and the tools on the PATH
 * @property {boolean} hasRos
 */

/**
 * @typedef {object} Group
 * @property {string} name for --only
 * @property {readonly string[]} [aliases]
 * @property {boolean} [isLinter] uses one core and prints when it ends: two run side by side
 * @property {(context: Context) => Promise<Counts>} run
 */

/**
 * A group that runs one program of node_modules, counted as one test.
 * @param {string} name
 * @param {readonly string[]} command script in node_modules and its arguments
 * @param {readonly string[]} [aliases]
 * @returns {Group}
 */
function linter(name, [script = '', ...args], aliases = ['lint']) {
  return {
    name,
    aliases,
    isLinter: true,
    run: async ({ env }) =>
      oneTest(await showAtEnd(name, process.execPath, [packaged(script), ...args], env)),
  };
}

/** @param {Context} context */
async function runTraining({ env }) {
  const folder = path.join(ROOT, 'scripts/training');
  await ensureTraining();
  const report = path.join(PLACES.state, 'test-results/training.xml');
  rmSync(report, { force: true });
  const python = path.join(PLACES.tools, 'training/bin/python');
  // Its own packages only: the ROS environment points to another Python's.
  const ok = await show(python, ['-m', 'pytest', folder, '-q', `--junitxml=${report}`], {
    ...env,
    PYTHONPATH: undefined,
  });
  return readJunitReport(report, ok, 'training');
}

/** @param {Context} context */
async function runRuff({ env }) {
  const places = ['scripts', 'launch', 'test'].map((name) => path.join(ROOT, name));
  await ensureRuff();
  return oneTest(await showAtEnd('ruff', path.join(PLACES.tools, 'py/bin/ruff'), ['check', ...places], env));
}

/** In the order in which they run: the fastest to fail first. @type {readonly Group[]} */
export const GROUPS = [
  linter('typecheck', ['typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit'], []),
  linter('typecheck-page', ['typescript/bin/tsc', '-p', 'src/device/web/page'], ['typecheck']),
  linter('typecheck-fleet-page', ['typescript/bin/tsc', '-p', 'src/fleet/web/page'], ['typecheck']),
  linter('eslint', ['eslint/bin/eslint.js', '.']),
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
  { name: 'unit', run: ({ env }) => vitest('unit', env) },
  { name: 'integration', run: ({ env }) => vitest('integration', env) },
  {
    name: 'fleet',
    run: async ({ env }) => sum([await vitest('fleet', env), await vitest('fleet-faults', env)]),
  },
  {
    name: 'ros',
    run: async ({ env, hasRos }) => (hasRos ? await vitest('ros', env) : skipRos()),
  },
  { name: SECOND_DISTRO, run: ({ env }) => runSecondRos(env) },
  { name: 'quantizer', run: ({ env }) => quantizer(env) },
  { name: 'training', run: runTraining },
  { name: 'avx2', run: ({ env }) => runAvx2(env) },
  { name: 'arm64', run: ({ env }) => runArm64(env) },
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
