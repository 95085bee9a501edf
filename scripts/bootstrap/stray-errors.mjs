import { writeFileSync } from 'node:fs';

/**
 * The file of errors that belong to no test: vitest fails because of them, but its JSON report does not have them.
 * @param {string} report the JSON report of the same run
 */
export const strayErrorsFile = (report) => report.replace(/\.json$/, '.stray.json');

/** Names the file for the reporter: vitest gives a reporter on its command line no options. */
export const STRAY_ERRORS_VARIABLE = 'GOSHAWK_TEST_STRAY_ERRORS';

/**
 * @typedef {{ name?: string | undefined, message?: string, VITEST_TEST_PATH?: string, VITEST_TEST_NAME?: string }}
 *   StrayError
 */

/** A reporter of vitest: writes what failed outside of tests: hooks of suites, rejections that nobody handled. */
export default class StrayErrorsReporter {
  /** @type {StrayError[]} */
  #ofHooks = [];

  /** @param {import('vitest/node').TestSuite} suite whose hooks have run, which fail no test but skip all */
  onTestSuiteResult(suite) {
    this.#keepHooks(suite, `hooks of ${suite.fullName}`);
  }

  /** @param {import('vitest/node').TestModule} module which has its own hooks, and is itself what cannot be loaded */
  onTestModuleEnd(module) {
    if (module.children.size > 0) this.#keepHooks(module, 'hooks of the file');
  }

  /**
   * @param {unknown} _modules
   * @param {readonly StrayError[]} errors
   */
  onTestRunEnd(_modules, errors) {
    const file = process.env[STRAY_ERRORS_VARIABLE];
    const all = [...this.#ofHooks, ...errors];
    if (file === undefined || all.length === 0) return;
    // no stack: the first line names the error, and vitest prints the rest where it happens
    const kept = all.map((error) => ({
      name: error.name,
      message: error.message,
      VITEST_TEST_PATH: error.VITEST_TEST_PATH,
      VITEST_TEST_NAME: error.VITEST_TEST_NAME,
    }));
    writeFileSync(file, JSON.stringify(kept));
  }

  /**
   * @param {import('vitest/node').TestSuite | import('vitest/node').TestModule} from
   * @param {string} title
   */
  #keepHooks(from, title) {
    const file = from.type === 'module' ? from.moduleId : from.module.moduleId;
    for (const { name, message } of from.errors())
      this.#ofHooks.push({ name, message, VITEST_TEST_PATH: file, VITEST_TEST_NAME: title });
  }
}
