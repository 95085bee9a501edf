import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../../scripts/bootstrap/paths.mjs';
import { STRAY_ERRORS_VARIABLE, strayErrorsFile } from '../../scripts/bootstrap/stray-errors.mjs';
import { readVitestReport, type Counts } from '../../scripts/bootstrap/test-results.mjs';

function runTest(source: string): Counts {
  // inside the project, where a test file finds vitest; with a configuration of its own
  const reports = path.join(ROOT, 'reports');
  mkdirSync(reports, { recursive: true });
  const folder = mkdtempSync(path.join(reports, 'stray-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'vitest.config.mjs'), 'export default {};');
  const test = path.join(folder, 'stray.test.ts');
  writeFileSync(test, source);
  const report = path.join(mkdtempSync(path.join(tmpdir(), 'goshawk-stray-')), 'report.json');
  onTestFinished(() => rmSync(path.dirname(report), { recursive: true }));
  const reporter = path.join(ROOT, 'scripts/bootstrap/stray-errors.mjs');
  const { status } = spawnSync(
    process.execPath,
    [
      ...[path.join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder],
      ...['--reporter=json', `--reporter=${reporter}`, `--outputFile.json=${report}`],
    ],
    { env: { ...process.env, [STRAY_ERRORS_VARIABLE]: strayErrorsFile(report) } },
  );
  expect(status).toBe(1);
  return readVitestReport(report, false);
}

it('of a run whose tests all passed are named', () => {
  const { passed, failed, failures } = runTest(
    `import { it } from 'vitest';
     it('passes', async () => {
       void Promise.reject(new Error('nobody waits'));
       await new Promise((resolve) => setTimeout(resolve, 50));
     });`,
  );
  expect({ passed, failed }).toEqual({ passed: 1, failed: 1 });
  expect(failures).toMatchObject([{ message: 'Error: nobody waits' }]);
  expect(failures![0]!.title).toContain('stray.test.ts, outside of its tests');
});

it('of hooks are named with their suite, whose tests did not run', () => {
  const { passed, failed, skipped, failures } = runTest(
    `import { afterAll, beforeAll, describe, it } from 'vitest';
     afterAll(() => Promise.reject(new Error('still open')));
     describe('a robot', () => {
       beforeAll(() => Promise.reject(new Error('no report')));
       it('drives', () => undefined);
     });
     it('passes', () => undefined);`,
  );
  expect({ passed, failed, skipped }).toEqual({ passed: 1, failed: 1, skipped: 1 });
  expect(failures).toMatchObject([{ message: 'Error: no report' }, { message: 'Error: still open' }]);
  expect(failures![0]!.title).toMatch(/stray\.test\.ts, outside of its tests \(.*hooks of a robot\)/);
});

it('of a test that passes when it is tried again are kept apart: it counts as passed, and is named', () => {
  const { passed, failed, failures, retries } = runTest(
    `import { expect, it } from 'vitest';
     let tries = 0;
     it('settles', { retry: 1 }, () => expect(++tries).toBe(2));
     it('never settles', { retry: 1 }, () => expect(1).toBe(2));
     it('passes', () => undefined);`,
  );
  expect({ passed, failed }).toEqual({ passed: 2, failed: 1 });
  expect(retries).toMatchObject([{ message: expect.stringContaining('expected 1 to be 2') as string }]);
  expect(retries![0]!.title).toMatch(/stray\.test\.ts > settles$/);
  expect(failures!.map(({ title }) => title)).toEqual([expect.stringMatching(/never settles$/)]);
});
