import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './paths.mjs';
import { readJson } from './read-json.mjs';
import { strayErrorsFile } from './stray-errors.mjs';
import {
  failuresOfJunit,
  failuresOfVitest,
  failuresOutsideTests,
  retriesOfVitest,
  unescapeXml,
} from './test-failures.mjs';

/** @typedef {import('./test-failures.mjs').Failure} Failure */
/** @typedef {import('./test-failures.mjs').Tried} Tried */

/**
 * What was skipped for one reason.
 * @typedef {object} Skip
 * @property {string} reason
 * @property {string} command that runs it
 * @property {number} tests
 */

/** Starts the part of a skipped test's title that says why: `skipped: REASON | WHAT COMES BEFORE npm test`. */
export const SKIP_MARK = 'skipped: ';
const SKIPPED = new RegExp(`${SKIP_MARK}(.+) \\| (.*?)\\)?$`);

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {readonly Skip[]} [skips]
 * @property {readonly Failure[]} [failures]
 * @property {readonly Failure[]} [retries] what passed only when it was tried again
 */

/**
 * @param {readonly Counts[]} all
 * @returns {Counts}
 */
export function sum(all) {
  /** @type {Counts & { skips: Skip[], failures: Failure[], retries: Failure[] }} */
  const total = { passed: 0, failed: 0, skipped: 0, skips: [], failures: [], retries: [] };
  for (const counts of all) {
    total.skips.push(...(counts.skips ?? []));
    total.failures.push(...(counts.failures ?? []));
    total.retries.push(...(counts.retries ?? []));
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
 * @typedef {object} VitestReport
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ name: string, status: string, message?: string, assertionResults: Tried[] }[]} testResults
 */

/**
 * @param {readonly { texts: readonly string[], again: string }[]} skipped a test each: titles of it and its
 *   suites, one of which says what it needs, and the part of the command that selects it
 * @param {string | undefined} command that runs all of them again, if it does not follow from the tests
 * @returns {Skip[]} one for each reason
 */
function skipsOf(skipped, command) {
  /** @type {Map<string, { reason: string, first: string, again: Set<string>, tests: number }>} */
  const byReason = new Map();
  for (const { texts, again } of skipped) {
    const [, reason = texts.join(' '), first = ''] =
      texts.map((text) => SKIPPED.exec(text)).find((match) => match !== null) ?? [];
    const key = JSON.stringify([reason, first]);
    const found = byReason.get(key) ?? { reason, first, again: new Set(), tests: 0 };
    byReason.set(key, found);
    found.again.add(again);
    found.tests += 1;
  }
  return [...byReason.values()].map(({ reason, first, again, tests }) => ({
    reason,
    command: `${first} ${command ?? `npm test -- ${[...again].sort().join(' ')}`}`.trim(),
    tests,
  }));
}

/**
 * @param {readonly { group: string, skips: readonly Skip[] }[]} all
 * @returns {string} the end of the output of `npm test`: what was skipped, and the command that runs it
 */
export function describeSkips(all) {
  const lines = all.flatMap(({ group, skips }) =>
    skips.flatMap(({ reason, command, tests }) => [
      `  ${group}: ${reason}${tests === 1 ? '' : ` (${tests} tests)`}`,
      `    ${command}`,
    ]),
  );
  return lines.length === 0 ? '' : ['skipped, each with the command that runs it:', ...lines, ''].join('\n');
}

/**
 * @param {string} file of tests
 * @returns {string} what selects them; those on another processor need the machine that their group makes
 */
function selectorOf(file) {
  const group = /^test\/(arm64|avx2)\//.exec(file)?.[1];
  return group === undefined ? file : `--only ${group}`;
}

/**
 * Counts from a vitest JSON report. A suite that could not be loaded has no tests and counts as one failure,
 * and so does a run that failed in any other way or wrote no report.
 * @param {string} file
 * @param {boolean} ok whether vitest exited with code 0
 * @param {string} [again] the command that runs skipped tests; by default it names their files
 * @returns {Counts}
 */
export function readVitestReport(file, ok, again) {
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
    skips: skipsOf(
      report.testResults.flatMap(({ name, assertionResults }) =>
        assertionResults
          .filter(({ status }) => status !== 'passed' && status !== 'failed')
          .map(({ ancestorTitles, title }) => ({
            texts: [...ancestorTitles, title],
            again: selectorOf(path.relative(ROOT, name)),
          })),
      ),
      again,
    ),
    failures: [...failuresOfVitest(report.testResults), ...failuresOutsideTests(strayErrors(file))],
    retries: retriesOfVitest(report.testResults),
  };
}

/**
 * @param {string} report
 * @returns {readonly import('./stray-errors.mjs').StrayError[]}
 */
function strayErrors(report) {
  const file = strayErrorsFile(report);
  return existsSync(file) ? /** @type {import('./stray-errors.mjs').StrayError[]} */ (readJson(file)) : [];
}

/**
 * Counts from a JUnit file of pytest.
 * @param {string} file
 * @param {boolean} ok whether pytest exited with code 0
 * @param {string} group
 * @returns {Counts}
 */
export function readJunitReport(file, ok, group) {
  if (!existsSync(file)) return oneTest(ok);
  const text = readFileSync(file, 'utf8');
  const head = /<testsuite [^>]*>/.exec(text)?.[0] ?? '';
  /** @param {string} name */
  const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  const skipped = number('skipped');
  const reasons = [...text.matchAll(/<skipped [^>]*?message="([^"]*)"/g)].map(([, message = '']) =>
    unescapeXml(message),
  );
  return {
    passed: number('tests') - failed - skipped,
    failed: failed === 0 && !ok ? 1 : failed,
    skipped,
    skips: skipsOf(
      reasons.map((reason) => ({ texts: [reason], again: `--only ${group}` })),
      undefined,
    ),
    failures: failuresOfJunit(text),
  };
}
