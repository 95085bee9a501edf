import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { captureBenchReportSchema } from '../../src/contract/bench-capture.ts';
import { CLI } from '../support/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-bench-capture-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('bench capture compares a clip with a detector that keeps none', async () => {
  const report = join(folder, 'report.json');
  const sizes = ['--rounds', '1', '--settle', '1', '--seconds', '1', '--size', '320x240'];
  const args = ['bench', 'capture', ...sizes, '--conditions', 'clip', '--report', report];
  const child = spawn(process.execPath, [CLI, ...args], { stdio: 'inherit' });
  expect(await once(child, 'exit')).toEqual([0, null]);
  const { trials, conditions } = captureBenchReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
  expect(trials.map(({ condition }) => condition)).toEqual(['off', 'clip']);
  for (const { frames, rssBytes, cores } of trials) {
    expect(frames.published).toBeGreaterThan(0);
    expect(rssBytes).toBeGreaterThan(0);
    expect(cores).toBeGreaterThan(0);
  }
  expect(trials.map(({ clipBytes }) => clipBytes > 0)).toEqual([false, true]);
  expect(conditions[0]).toMatchObject({ condition: 'off', p99Ratio: 1, moreCores: 0, rssMoreBytes: 0 });
});
