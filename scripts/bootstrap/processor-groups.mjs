import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EmulationUnavailableError, ensureArm64 } from './arm64.mjs';
import { installPackages } from './debian-packages.mjs';
import { quantizer, skip, vitest } from './group-runners.mjs';
import { ROOT } from './paths.mjs';
import { showProgress } from './progress.mjs';
import { which } from './run.mjs';
import { sum } from './test-results.mjs';

/** @typedef {import('./test-groups.mjs').Context} Context */
/** @typedef {import('./test-results.mjs').Counts} Counts */

/** Debian packages that build scripts/emulate/as-avx2. */
const COMPILER_PACKAGES = ['gcc', 'libc6-dev', 'binutils'];

const AVX2_AGAIN = 'npm test -- --only avx2';
const ARM64_AGAIN = 'npm test -- --only arm64';

/** @returns {boolean} whether as-avx2 has something to hide from ONNX Runtime */
const hasMoreThanAvx2 = () =>
  /^flags.* (avx512f|avx512_vnni|avx_vnni)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));

/** @returns {boolean} */
const canBuildEmulation = () =>
  which('objdump') !== undefined && ['cc', 'gcc', 'clang'].some((name) => which(name) !== undefined);

/**
 * Runs the tests for a CPU without VNNI: on that CPU itself, or on this one under scripts/emulate/as-avx2.
 * @param {Context} context
 * @returns {Promise<Counts>}
 */
export async function runAvx2({ env, selected }) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return skip(`this is ${process.platform} on ${process.arch}; on x86_64 Linux`, AVX2_AGAIN);
  /** @type {readonly string[]} */
  let wrapper = [];
  if (hasMoreThanAvx2()) {
    if (!canBuildEmulation()) {
      await showProgress('[tests] C compiler', async (say) => {
        say(`installing ${COMPILER_PACKAGES.join(', ')}`);
        await installPackages(COMPILER_PACKAGES, 'avx2');
      });
    }
    if (!canBuildEmulation())
      return skip(
        'there is no C compiler or no objdump',
        `sudo apt-get install ${COMPILER_PACKAGES.join(' ')} && ${AVX2_AGAIN}`,
      );
    wrapper = [path.join(ROOT, 'scripts/emulate/as-avx2')];
  }
  const tests = await vitest('avx2', env);
  if (wrapper.length === 0 && selected.includes('quantizer')) {
    console.log(
      'the tests of the quantizer would be those of the group quantizer, on the same CPU: counted there',
    );
    return tests;
  }
  return sum([tests, await quantizer(env, wrapper, 'avx2-quantizer', 'avx2')]);
}

/** @returns {boolean} whether arm64 is emulated on this machine */
const isEmulated = () => process.platform === 'linux' && process.arch === 'x64';

/** Installs what the tests on arm64 need, if they can run here. */
export async function prepareArm64() {
  if (isEmulated()) await ensureArm64(() => undefined);
}

/**
 * Tests the package on arm64, emulated.
 * @param {Context} context
 * @param {'arm64' | 'arm64-run'} project of vitest.config.ts
 * @returns {Promise<Counts>}
 */
export async function runArm64({ env }, project) {
  if (!isEmulated())
    return skip(`this is ${process.platform} on ${process.arch}; on x86_64 Linux`, ARM64_AGAIN);
  try {
    const { node, app } = await showProgress('[tests] arm64', ensureArm64);
    // The ROS environment points to libraries of this machine.
    const own = { ...env, LD_LIBRARY_PATH: undefined, GOSHAWK_ARM64_NODE: node, GOSHAWK_ARM64_APP: app };
    // another vitest may be reading its cache of results while this one would write it
    return await vitest(project, own, ['--no-cache']);
  } catch (error) {
    if (!(error instanceof EmulationUnavailableError)) throw error;
    return skip(error.message, `${error.fix} && ${ARM64_AGAIN}`);
  }
}
