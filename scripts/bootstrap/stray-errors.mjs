import { writeFileSync } from 'node:fs';

/**
 * The file of errors that belong to no test: vitest fails because of them, but its JSON report does not have them.
 * @param {string} report the JSON report of the same run
 */
export const strayErrorsFile = (report) => report.replace(/\.json$/, '.stray.json');

/** Names the file for the reporter: vitest gives a reporter on its command line no options. */
export const STRAY_ERRORS_VARIABLE = 'GOSHAWK_TEST_STRAY_ERRORS';

/**
 * @typedef {{ name?: string, message?: string, VITEST_TEST_PATH?: string, VITEST_TEST_NAME?: string }} StrayError
 */

/** A reporter of vitest: writes what failed outside of tests, such as a rejection that nobody handled. */
export default class StrayErrorsReporter {
  /**
   * @param {unknown} _modules
   * @param {readonly StrayError[]} errors
   */
  onTestRunEnd(_modules, errors) {
    const file = process.env[STRAY_ERRORS_VARIABLE];
    if (file === undefined || errors.length === 0) return;
    // no stack: the first line names the error, and vitest prints the rest where it happens
    const kept = errors.map((error) => ({
      name: error.name,
      message: error.message,
      VITEST_TEST_PATH: error.VITEST_TEST_PATH,
      VITEST_TEST_NAME: error.VITEST_TEST_NAME,
    }));
    writeFileSync(file, JSON.stringify(kept));
  }
}
