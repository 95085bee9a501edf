import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  describeCounts,
  describeSkips,
  readJunitReport,
  readVitestReport,
  sum,
} from '../../scripts/bootstrap/test-results.mjs';
import { ROOT } from '../../scripts/bootstrap/paths.mjs';
import { selectGroups } from '../../scripts/bootstrap/test-groups.mjs';

const NO_ROS = { reason: 'no ROS 2', command: 'npm test -- --only ros', tests: 1 };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'goshawk-results-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('counts', () => {
  const vitest = (
    failed: number,
    suites: { name: string; status: string; assertionResults: unknown[] }[] = [],
  ) =>
    write(
      'vitest.json',
      JSON.stringify({
        numPassedTests: 7,
        numFailedTests: failed,
        numPendingTests: 2,
        numTodoTests: 1,
        testResults: suites,
      }),
    );

  it('come from the report of vitest', () => {
    expect(readVitestReport(vitest(1), false)).toMatchObject({ passed: 7, failed: 1, skipped: 3 });
  });

  it('come with what was skipped: each reason once, with the command that runs those tests', () => {
    const test = (status: string, title: string, ...ancestorTitles: string[]) => ({
      status,
      title,
      ancestorTitles,
    });
    const why = '(skipped: there is no ../shared | ln -s /x ../shared &&)';
    const file = (name: string, ...assertionResults: unknown[]) => ({
      name: path.join(ROOT, name),
      status: 'passed',
      assertionResults,
    });
    const report = vitest(0, [
      file(
        'test/b.test.ts',
        test('passed', 'works'),
        test('skipped', 'a', `real images ${why}`),
        test('pending', 'b', 'outer', `others ${why}`),
      ),
      file('test/a.test.ts', test('skipped', `alone ${why}`), test('todo', 'later')),
      file('test/arm64/run.test.ts', test('skipped', 'run (skipped: no machine | )')),
    ]);
    const shared = { reason: 'there is no ../shared', tests: 3 };
    expect(readVitestReport(report, true).skips).toEqual([
      { ...shared, command: 'ln -s /x ../shared && npm test -- test/a.test.ts test/b.test.ts' },
      { reason: 'later', command: 'npm test -- test/a.test.ts', tests: 1 },
      { reason: 'no machine', command: 'npm test -- --only arm64', tests: 1 },
    ]);
    expect(readVitestReport(report, true, 'npm test -- --only kilted').skips?.[0]).toEqual({
      ...shared,
      command: 'ln -s /x ../shared && npm test -- --only kilted',
    });
    const junit = write(
      'skips.xml',
      '<testsuite tests="1"><testcase><skipped type="x" message="skipped: no build | npm run build &amp;&amp;"/>' +
        '</testcase><testcase><skipped type="x" message="no GPU"/></testcase>',
    );
    expect(readJunitReport(junit, true, 'training').skips).toEqual([
      { reason: 'no build', command: 'npm run build && npm test -- --only training', tests: 1 },
      { reason: 'no GPU', command: 'npm test -- --only training', tests: 1 },
    ]);
  });

  it('end with what was skipped, one line and one command each', () => {
    const skips = [{ reason: 'no qemu', command: 'sudo x && npm test -- --only arm64', tests: 2 }];
    expect(describeSkips([{ group: 'arm64', skips }])).toBe(
      'skipped, each with the command that runs it:\n' +
        '  arm64: no qemu (2 tests)\n    sudo x && npm test -- --only arm64\n',
    );
    expect(describeSkips([{ group: 'unit', skips: [] }])).toBe('');
  });

  it('a file that does not load, an error outside of tests and a missing report are failures', () => {
    expect(
      readVitestReport(vitest(0, [{ name: 'x', status: 'failed', assertionResults: [] }]), false).failed,
    ).toBe(1);
    expect(readVitestReport(vitest(0), false).failed).toBe(1);
    expect(readVitestReport(path.join(folder, 'none.json'), false)).toEqual({
      passed: 0,
      failed: 1,
      skipped: 0,
    });
  });

  it('come from the report of pytest', () => {
    const file = write(
      'pytest.xml',
      '<?xml version="1.0"?><testsuites name="x" tests="99"><testsuite name="pytest" ' +
        'errors="1" failures="2" skipped="3" tests="10" time="1"></testsuite></testsuites>',
    );
    expect(readJunitReport(file, false, 'quantizer')).toMatchObject({ passed: 4, failed: 3, skipped: 3 });
  });

  it('are summed and described, skipped ones only if there are any', () => {
    const total = sum([
      { passed: 1, failed: 2, skipped: 3, skips: [NO_ROS] },
      { passed: 10, failed: 0, skipped: 1 },
    ]);
    expect(total.skips).toEqual([NO_ROS]);
    expect(describeCounts(total)).toBe('11 passed, 2 failed, 4 skipped');
    expect(describeCounts(sum([]))).toBe('0 passed, 0 failed');
  });
});

describe('groups', () => {
  const names = (preferred?: string) => selectGroups(preferred).map(({ name }) => name);

  it('are all, or the requested ones in run order', () => {
    expect(names()).toContain('arm64');
    expect(names('ros,unit')).toEqual(['unit', 'ros']);
    expect(names('lint')).toEqual(['eslint', 'prettier', 'depcruise', 'knip', 'knip-production', 'ruff']);
  });

  it('with a wrong name are refused', () => {
    expect(() => names('unit,uint')).toThrow('"uint"');
    expect(() => names('')).toThrow();
  });
});
