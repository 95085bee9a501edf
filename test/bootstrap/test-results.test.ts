import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  describeCounts,
  readJunitReport,
  readVitestReport,
  sum,
} from '../../scripts/bootstrap/test-results.mjs';
import { selectGroups } from '../../scripts/bootstrap/test-groups.mjs';

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
  const vitest = (failed: number, suites: { status: string; assertionResults: unknown[] }[] = []) =>
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

  it('come with what was skipped, each thing once', () => {
    const test = (status: string, title: string, ...ancestorTitles: string[]) => ({
      status,
      title,
      ancestorTitles,
    });
    const assertionResults = [
      test('passed', 'works'),
      test('skipped', 'a', 'on real images (needs ../shared)'),
      test('pending', 'b', 'on real images (needs ../shared)', 'deeper'),
      test('todo', 'alone'),
    ];
    const report = vitest(0, [{ status: 'passed', assertionResults }]);
    expect(readVitestReport(report, true).skips).toEqual([
      'on real images (needs ../shared): 2 tests',
      'alone',
    ]);
    const junit = write(
      'skips.xml',
      '<testsuite tests="1"><testcase><skipped type="x" message="no GPU"/></testcase>',
    );
    expect(readJunitReport(junit, true).skips).toEqual(['no GPU']);
  });

  it('a file that does not load, an error outside of tests and a missing report are failures', () => {
    expect(readVitestReport(vitest(0, [{ status: 'failed', assertionResults: [] }]), false).failed).toBe(1);
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
    expect(readJunitReport(file, false)).toMatchObject({ passed: 4, failed: 3, skipped: 3 });
  });

  it('are summed and described, skipped only where there are any', () => {
    const total = sum([
      { passed: 1, failed: 2, skipped: 3, skips: ['no ROS 2'] },
      { passed: 10, failed: 0, skipped: 1 },
    ]);
    expect(total.skips).toEqual(['no ROS 2']);
    expect(describeCounts(total)).toBe('11 passed, 2 failed, 4 skipped');
    expect(describeCounts(sum([]))).toBe('0 passed, 0 failed');
  });
});

describe('groups', () => {
  const names = (preferred?: string) => selectGroups(preferred).map(({ name }) => name);

  it('are all, or those that were asked for in the order in which they run', () => {
    expect(names()).toContain('arm64');
    expect(names('ros,unit')).toEqual(['unit', 'ros']);
    expect(names('lint')).toEqual(['eslint', 'prettier', 'depcruise', 'knip', 'knip-production', 'ruff']);
  });

  it('with a wrong name are refused', () => {
    expect(() => names('unit,uint')).toThrow('"uint"');
    expect(() => names('')).toThrow();
  });
});
