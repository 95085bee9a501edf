import path from 'node:path';
import { ROOT } from './paths.mjs';

/**
 * One test that failed.
 * @typedef {object} Failure
 * @property {string} title file, suites and test
 * @property {string} message first line of the error
 */

/** Failures that are repeated at the end: more than these share a cause, and are found above. */
const SHOWN = 20;
const WIDEST_MESSAGE = 300;
/** Of a program that reports no tests, such as a linter, or that ended without a report. */
const UNNAMED = { title: 'see what it printed above', message: '' };
// eslint-disable-next-line no-control-regex -- colors
const COLORS = /\u001b\[[0-9;]*m/g;

/** @param {string} text @returns {string} its first line without colors */
const firstLine = (text) =>
  (text.replaceAll(COLORS, '').trim().split('\n')[0] ?? '').slice(0, WIDEST_MESSAGE);

/**
 * @typedef {{ status: string, title: string, ancestorTitles: string[], failureMessages?: string[] | null }} Tried
 */

/**
 * @param {readonly { name: string, status: string, message?: string, assertionResults: readonly Tried[] }[]} suites
 *   of a JSON report of vitest
 * @returns {Failure[]} one for each failed test, and for each file that could not be loaded
 */
export function failuresOfVitest(suites) {
  return suites.flatMap(({ name, status, message, assertionResults }) => {
    const file = path.relative(ROOT, name);
    if (status === 'failed' && assertionResults.length === 0)
      return [{ title: file, message: firstLine(message ?? '') }];
    return assertionResults
      .filter((tried) => tried.status === 'failed')
      .map((tried) => failureOf(file, tried));
  });
}

/**
 * @param {readonly { name: string, assertionResults: readonly Tried[] }[]} suites of a JSON report of vitest
 * @returns {Failure[]} one for each test that passed only when it was tried again
 */
export function retriesOfVitest(suites) {
  return suites.flatMap(({ name, assertionResults }) =>
    assertionResults
      // of a test that passes, vitest keeps the errors of the tries before
      .filter(({ status, failureMessages }) => status === 'passed' && (failureMessages ?? []).length > 0)
      .map((tried) => failureOf(path.relative(ROOT, name), tried)),
  );
}

/** @param {string} file @param {Tried} tried @returns {Failure} */
const failureOf = (file, { ancestorTitles, title, failureMessages }) => ({
  title: [file, ...ancestorTitles, title].join(' > '),
  message: firstLine(failureMessages?.[0] ?? ''),
});

/**
 * @param {readonly import('./stray-errors.mjs').StrayError[]} errors that vitest found outside of tests
 * @returns {Failure[]}
 */
export function failuresOutsideTests(errors) {
  return errors.map(({ name, message, VITEST_TEST_PATH: file, VITEST_TEST_NAME: test }) => ({
    title: [
      file === undefined ? 'outside of tests' : `${path.relative(ROOT, file)}, outside of its tests`,
      ...(test === undefined ? [] : [`(it may come from: ${test})`]),
    ].join(' '),
    message: firstLine([name, message].filter((part) => part !== undefined && part !== '').join(': ')),
  }));
}

/** @param {string} text @returns {string} without the escapes of XML */
export const unescapeXml = (text) =>
  text
    .replaceAll('&gt;', '>')
    .replaceAll('&lt;', '<')
    .replaceAll('&quot;', '"')
    .replaceAll('&#10;', '\n')
    .replaceAll('&amp;', '&');

/**
 * @param {string} text of a JUnit file of pytest
 * @returns {Failure[]}
 */
export function failuresOfJunit(text) {
  const failed = /<testcase classname="([^"]*)" name="([^"]*)"[^>]*><(?:failure|error) message="([^"]*)"/g;
  return [...text.matchAll(failed)].map(([, suite = '', name = '', message = '']) => ({
    title: unescapeXml(`${suite} > ${name}`),
    message: firstLine(unescapeXml(message)),
  }));
}

/**
 * @param {readonly { group: string, failed: number, failures: readonly Failure[] }[]} all
 * @returns {string} the end of the output of `npm test`: what failed and why, a line or two each
 */
export function describeFailures(all) {
  const known = all.map(({ group, failed, failures }) => ({
    group,
    failures: failed > 0 && failures.length === 0 ? [UNNAMED] : failures,
  }));
  return describeList('failed:', known);
}

/**
 * @param {readonly { group: string, retries: readonly Failure[] }[]} all
 * @returns {string} part of the end of the output of `npm test`: which tests count as passed though they failed first
 */
export const describeRetries = (all) =>
  describeList(
    'failed at first, passed when tried again:',
    all.map(({ group, retries }) => ({ group, failures: retries })),
  );

/**
 * @param {string} heading
 * @param {readonly { group: string, failures: readonly Failure[] }[]} all
 * @returns {string} nothing without failures
 */
function describeList(heading, all) {
  const lines = all.flatMap(({ group, failures }) =>
    failures.map(({ title, message }) => [
      `  ${group}: ${title}`,
      ...(message === '' ? [] : [`    ${message}`]),
    ]),
  );
  if (lines.length === 0) return '';
  const more = lines.length - SHOWN;
  return [heading, ...lines.slice(0, SHOWN).flat(), ...(more > 0 ? [`  and ${more} more`] : []), ''].join(
    '\n',
  );
}
