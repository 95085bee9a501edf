import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Tests run the sources as they are, which an older Node cannot: the one that set-up fetched goes on with the
// same arguments.
if (!('typescript' in process.features)) {
  const node = join(import.meta.dirname, '.tools/runtime/node');
  if (!existsSync(node)) throw new Error(`Node ${process.versions.node} is too old for tests: npm run setup`);
  process.exit(spawnSync(node, process.argv.slice(1), { stdio: 'inherit' }).status ?? 1);
}

// Processes that tests start, and threads of theirs, compile the sources once: a start then takes half of its CPU time.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/goshawk-code');

/** Measurements that tests make are kept apart from the user's own. */
const env = { GOSHAWK_CACHE: join(import.meta.dirname, 'node_modules/.cache/goshawk-measurements') };

/** What a test waits for comes late on a busy machine; vitest itself would wait for a second. */
const WAITING = { poll: { timeout: 60_000 } };

/**
 * Tests of real processes, brokers and databases wait for what a busy machine may not do in time: such a test is tried
 * once more, and `npm test` names it at its end if it then passes. Unit tests are not: a law that fails at random
 * fails.
 */
const RETRIED = { retry: 1 };

/**
 * Projects that run one after another where files of several are asked for: vitest refuses to mix those that run
 * different numbers of files at a time.
 */
const turn = (groupOrder: number) => ({ sequence: { groupOrder } });

/** Recovery after faults takes longer than these tests wait while others use the second of two cores. */
const FAULTS = 'test/fleet/faults.test.ts';

/**
 * Unit tests that change what is the same for a whole process (modules, signals, the debug log): each has one of its
 * own. The others share as many processes as run at a time, which load a module once: `npm run test:unit` then takes
 * 4 minutes instead of 6 (AMD EPYC, 2 virtual cores).
 */
const APART = [
  'test/cli/kit/stop-signal.test.ts',
  'test/device/capture/full-disk.test.ts',
  'test/platform/debug.test.ts',
];

/** On an emulated machine, what has time limits of its own: frames are late, checks of a model end. */
const LIMITED_ON_ARM64 = ['test/arm64/run.test.ts', 'test/arm64/references.test.ts'];

/** For what gets only the processor time that others leave. */
const HALF_AN_HOUR = 30 * 60_000;

/** Telemetry that waits is kept apart too, test by test. */
const setupFiles = ['test/support/state-home.ts'];

/** What both projects of unit tests have in common. */
const UNIT = {
  env,
  ...turn(1),
  expect: WAITING,
  // what one test replaces is there again for the next, also in another file
  unstubEnvs: true,
  unstubGlobals: true,
  restoreMocks: true,
  // for the slowest machine: what hangs is found as well after two minutes
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // vitest would leave one of two cores to itself, which has little to do
  maxWorkers: Math.max(2, availableParallelism() - 1),
};

/**
 * Projects: `unit` and `unit-apart` need nothing but node_modules; `integration` starts real processes (workers,
 * brokers, Chromium, the command line); `arm64` and `arm64-run` an emulated machine and `avx2` an emulated CPU, which
 * `npm test` makes; `ros` needs a ROS 2 environment; `fleet` starts a real broker and a real PostgreSQL, and
 * `fleet-faults`, which has the machine to itself, breaks them.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          ...UNIT,
          isolate: false,
          include: ['test/**/*.test.ts'],
          // what the other projects run
          exclude: ['test/{integration,arm64,avx2}/**', 'test/{ros,fleet}/*.test.ts', ...APART],
        },
      },
      { test: { name: 'unit-apart', ...UNIT, include: APART } },
      {
        test: {
          name: 'integration',
          env,
          ...RETRIED,
          ...turn(2),
          expect: WAITING,
          setupFiles,
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // processes mostly wait for each other; each file has its own ports and folders
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'fleet',
          env,
          ...RETRIED,
          ...turn(3),
          expect: WAITING,
          include: ['test/fleet/*.test.ts'],
          exclude: [FAULTS],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // processes mostly wait for each other; each file has its own ports, folders and databases
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'fleet-faults',
          env,
          ...RETRIED,
          ...turn(4),
          expect: WAITING,
          include: [FAULTS],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'arm64',
          env,
          ...RETRIED,
          ...turn(5),
          expect: WAITING,
          setupFiles,
          include: ['test/arm64/**/*.test.ts'],
          exclude: LIMITED_ON_ARM64,
          testTimeout: HALF_AN_HOUR,
          hookTimeout: HALF_AN_HOUR,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'arm64-run',
          env,
          ...RETRIED,
          ...turn(5),
          expect: WAITING,
          setupFiles,
          include: LIMITED_ON_ARM64,
          // everything takes some hundred times as long under emulation
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'avx2',
          env,
          ...turn(6),
          expect: WAITING,
          setupFiles,
          include: ['test/avx2/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'ros',
          env,
          ...RETRIED,
          ...turn(7),
          expect: WAITING,
          setupFiles,
          include: ['test/ros/**/*.test.ts'],
          exclude: ['test/ros/unit/**'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // processes mostly wait for each other; each file has its own ROS domains
          maxWorkers: 2,
        },
      },
    ],
  },
});
