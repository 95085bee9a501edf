import { SetupError } from './progress.mjs';
import { oneTest } from './test-results.mjs';

/**
 * Runs a group. One that ends with an error, which is printed, counts as a failed test.
 * @param {import('./test-groups.mjs').Group} group
 * @param {import('./test-groups.mjs').Context} context
 * @returns {Promise<import('./test-results.mjs').Counts>}
 */
export async function countsOf(group, context) {
  try {
    return await group.run(context);
  } catch (error) {
    console.error(error instanceof SetupError ? error.describe() : error);
    return oneTest(false);
  }
}
