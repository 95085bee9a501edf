import { existsSync, readFileSync } from 'node:fs';
import { readJson } from './read-json.mjs';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/**
 * @param {readonly Counts[]} all
 * @returns {Counts}
 */
export function sum(all) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  return total;
}

/**
 * @param {Counts} counts
 * @returns {string} such as "12 passed, 0 failed, 3 skipped"; skipped only where there are any
 */
export function describeCounts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * Counts of a program that printed no report: one test, which failed or passed.
 * @param {boolean} ok
 * @returns {Counts}
 */
export const oneTest = (ok) => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });

/**
 * Counts of a vitest JSON report. A suite that could not be loaded has no tests: it counts as one failure, and so does a run that
 * failed in any other way or wrote no report.
 * @param {string} file
 * @param {boolean} ok whether vitest ended with exit code 0
 * @returns {Counts}
 */
export function readVitestReport(file, ok) {
  if (!existsSync(file)) return oneTest(ok);
  const report =
    /** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, testResults: { status: string, assertionResults: unknown[] }[] }} */ (
      readJson(file)
    );
  const broken = report.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + broken;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !ok ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * Counts of a JUnit file as pytest writes it.
 * @param {string} file
 * @param {boolean} ok whether pytest ended with exit code 0
 * @returns {Counts}
 */
export function readJunitReport(file, ok) {
  if (!existsSync(file)) return oneTest(ok);
  const head = /<testsuite [^>]*>/.exec(readFileSync(file, 'utf8'))?.[0] ?? '';
  /** @param {string} name */
  const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  const skipped = number('skipped');
  return { passed: number('tests') - failed - skipped, failed: failed === 0 && !ok ? 1 : failed, skipped };
}
