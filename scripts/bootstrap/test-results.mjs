import { existsSync, readFileSync } from 'node:fs';
import { readJson } from './read-json.mjs';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {readonly string[]} [skips] what was skipped and why, one line each
 */

/**
 * @param {readonly Counts[]} all
 * @returns {Counts}
 */
export function sum(all) {
  /** @type {Counts & { skips: string[] }} */
  const total = { passed: 0, failed: 0, skipped: 0, skips: [] };
  for (const counts of all) {
    total.skips.push(...(counts.skips ?? []));
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  return total;
}

/**
 * @param {Counts} counts
 * @returns {string} such as "12 passed, 0 failed, 3 skipped"; skipped only if there are any
 */
export function describeCounts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * Counts for a program without a report: one test, passed or failed.
 * @param {boolean} ok
 * @returns {Counts}
 */
export const oneTest = (ok) => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });

/**
 * @typedef {{ status: string, title: string, ancestorTitles: string[] }} Assertion
 */

/**
 * @typedef {object} VitestReport
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ status: string, assertionResults: Assertion[] }[]} testResults
 */

/**
 * @param {readonly string[]} titles of skipped tests or their suites; they say what the tests need
 * @returns {string[]} each once, with the number of tests if there are several
 */
function linesOf(titles) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const title of titles) counts.set(title, (counts.get(title) ?? 0) + 1);
  return [...counts].map(([title, count]) => (count === 1 ? title : `${title}: ${count} tests`));
}

/**
 * Counts from a vitest JSON report. A suite that could not be loaded has no tests and counts as one failure,
 * and so does a run that failed in any other way or wrote no report.
 * @param {string} file
 * @param {boolean} ok whether vitest exited with code 0
 * @returns {Counts}
 */
export function readVitestReport(file, ok) {
  if (!existsSync(file)) return oneTest(ok);
  const report = /** @type {VitestReport} */ (readJson(file));
  const broken = report.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + broken;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !ok ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
    skips: linesOf(
      report.testResults
        .flatMap((suite) => suite.assertionResults)
        .filter(({ status }) => status !== 'passed' && status !== 'failed')
        .map(({ ancestorTitles, title }) => ancestorTitles[0] ?? title),
    ),
  };
}

/**
 * Counts from a JUnit file of pytest.
 * @param {string} file
 * @param {boolean} ok whether pytest exited with code 0
 * @returns {Counts}
 */
export function readJunitReport(file, ok) {
  if (!existsSync(file)) return oneTest(ok);
  const text = readFileSync(file, 'utf8');
  const head = /<testsuite [^>]*>/.exec(text)?.[0] ?? '';
  /** @param {string} name */
  const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  const skipped = number('skipped');
  const reasons = [...text.matchAll(/<skipped [^>]*?message="([^"]*)"/g)].map(([, message]) => message ?? '');
  return {
    passed: number('tests') - failed - skipped,
    failed: failed === 0 && !ok ? 1 : failed,
    skipped,
    skips: linesOf(reasons),
  };
}
