import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/bootstrap/paths.mjs';
import {
  describeFailures,
  describeRetries,
  failuresOfJunit,
  failuresOfVitest,
  failuresOutsideTests,
} from '../../scripts/bootstrap/test-failures.mjs';

describe('what failed', () => {
  it('is each failed test of vitest, with the first line of its error, and each file that did not load', () => {
    const passed = { status: 'passed', title: 'adds', ancestorTitles: [] };
    const failed = {
      status: 'failed',
      title: 'merges',
      ancestorTitles: ['counts', 'of windows'],
      failureMessages: ['\u001b[31mAssertionError: expected 1 to be 2\u001b[39m\n    at file:7:1'],
    };
    const suites = [
      { name: path.join(ROOT, 'test/core/a.test.ts'), status: 'failed', assertionResults: [passed, failed] },
      {
        name: path.join(ROOT, 'test/b.test.ts'),
        status: 'failed',
        message: 'no module x',
        assertionResults: [],
      },
    ];
    expect(failuresOfVitest(suites)).toEqual([
      {
        title: 'test/core/a.test.ts > counts > of windows > merges',
        message: 'AssertionError: expected 1 to be 2',
      },
      { title: 'test/b.test.ts', message: 'no module x' },
    ]);
  });

  it('is each failed test of pytest', () => {
    const text =
      '<testcase classname="test_a.TestB" name="test_c[1]" time="0.1"><failure message="assert 1 &lt; 0&#10;where 1">' +
      'long</failure></testcase><testcase classname="test_a" name="test_d" time="0.1" />';
    expect(failuresOfJunit(text)).toEqual([{ title: 'test_a.TestB > test_c[1]', message: 'assert 1 < 0' }]);
  });

  it('is each error outside of tests, with the test that it may come from', () => {
    const where = path.join(ROOT, 'test/fleet/a.test.ts');
    const error = { name: 'Error', message: 'read ECONNRESET\nat socket' };
    expect(
      failuresOutsideTests([{ ...error, VITEST_TEST_PATH: where, VITEST_TEST_NAME: 'stores' }, error]),
    ).toEqual([
      {
        title: 'test/fleet/a.test.ts, outside of its tests (it may come from: stores)',
        message: 'Error: read ECONNRESET',
      },
      { title: 'outside of tests', message: 'Error: read ECONNRESET' },
    ]);
  });

  it('is a program that reports no tests, by its group', () => {
    expect(describeFailures([{ group: 'eslint', failed: 1, failures: [] }])).toBe(
      'failed:\n  eslint: see what it printed above\n',
    );
  });

  it('ends the output, at most 20 of them', () => {
    const failures = Array.from({ length: 22 }, (_, at) => ({ title: `test ${at}`, message: 'no' }));
    const text = describeFailures([{ group: 'unit', failed: 22, failures }]);
    expect(text).toMatch(/^failed:\n {2}unit: test 0\n {4}no\n/);
    expect(text).toMatch(/ {2}unit: test 19\n {4}no\n {2}and 2 more\n$/);
    expect(describeFailures([{ group: 'unit', failed: 0, failures: [] }])).toBe('');
  });

  it('names what passed only when it was tried again, apart from what failed', () => {
    const retries = [{ title: 'test/fleet/api.test.ts > answers', message: 'Error: not yet' }];
    expect(describeRetries([{ group: 'fleet', retries }])).toBe(
      'failed at first, passed when tried again:\n  fleet: test/fleet/api.test.ts > answers\n    Error: not yet\n',
    );
    expect(describeRetries([{ group: 'fleet', retries: [] }])).toBe('');
  });
});
