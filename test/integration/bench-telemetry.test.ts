import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { outboxBenchReportSchema } from '../../src/contract/bench-outbox.ts';
import { telemetryBenchReportSchema } from '../../src/contract/bench-telemetry.ts';
import { MOSQUITTO } from '../support/mosquitto.ts';
import { describeWith } from '../support/needs.ts';
import { CLI } from '../support/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWith(MOSQUITTO, 'benchmarks of telemetry', () => {
  it('bench telemetry reports frames, CPU and memory beside a good broker and one that floods', async () => {
    const report = join(folder, 'report.json');
    const sizes = [
      '--rounds',
      '1',
      '--settle',
      '1',
      '--seconds',
      '1',
      '--size',
      '320x240',
      '--conditions',
      'good,drift,flooding',
    ];
    const child = spawn(process.execPath, [CLI, 'bench', 'telemetry', ...sizes, '--report', report], {
      stdio: 'inherit',
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
    const bench = telemetryBenchReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    expect(bench.trials.map(({ condition }) => condition)).toEqual(['off', 'good', 'drift', 'flooding']);
    for (const { frames, rssBytes, processCores } of bench.trials) {
      expect(frames.published).toBeGreaterThan(0);
      expect(rssBytes).toBeGreaterThan(0);
      expect(processCores).toBeGreaterThan(0);
    }
    expect(bench.bytesByStream.map(({ stream }) => stream)).toEqual(
      expect.arrayContaining(['connection', 'metrics', 'state', 'drift']),
    );
    expect(bench.acceptance.worstP99Ratio).toBeGreaterThan(0);
  });

  it('bench telemetry measures frames beside an outbox that is full of earlier messages', async () => {
    const report = join(folder, 'backlog.json');
    // small, and the network so slow that a busy machine does not catch up before it is measured
    const sizes = [
      ...['--rounds', '1', '--settle', '1', '--seconds', '8', '--size', '320x240'],
      ...['--backlog-hours', '16', '--catch-up-bits-per-second', '150000'],
    ];
    const conditions = ['--conditions', 'backlog,catch-up'];
    const child = spawn(
      process.execPath,
      [CLI, 'bench', 'telemetry', ...sizes, ...conditions, '--report', report],
      { stdio: 'inherit' },
    );
    expect(await once(child, 'exit')).toEqual([0, null]);
    const bench = telemetryBenchReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    expect(bench.backlog).toMatchObject({ hours: 16, windows: 5_760, bitsPerSecond: 150_000 });
    expect(bench.trials.map(({ condition }) => condition)).toEqual(['off', 'backlog', 'catch-up']);
    const [off, backlog, catchUp] = bench.trials;
    expect(off?.outbox).toEqual({ begin: null, end: null });
    expect(backlog?.outbox?.end?.ofEarlierBoots).toBeGreaterThanOrEqual(5_760);
    expect(backlog?.outbox?.end?.bytes).toBeGreaterThanOrEqual(bench.backlog?.payloadBytes ?? Infinity);
    expect(backlog?.history?.batches).toBe(0);
    expect(catchUp?.history?.batches).toBeGreaterThan(0);
    expect(catchUp?.outbox?.end?.messages).toBeLessThan(catchUp?.outbox?.begin?.messages ?? 0);
    // a slow disk syncs thousands of times
  }, 300_000);

  it('bench telemetry refuses a backlog that was sent before the end', async () => {
    const report = join(folder, 'no-report.json');
    const sizes = ['--rounds', '1', '--settle', '1', '--seconds', '1', '--size', '320x240'];
    const backlog = ['--conditions', 'catch-up', '--backlog-hours', '0.1'];
    const child = spawn(
      process.execPath,
      [CLI, 'bench', 'telemetry', ...sizes, ...backlog, '--report', report],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).not.toBe(0);
    expect(errors).toContain('GOSHAWK_BENCH_BACKLOG');
    expect(existsSync(report)).toBe(false);
  });

  it('bench outbox lets an hour without a broker wait, and delivers it over a slow network', async () => {
    const report = join(folder, 'outbox.json');
    const sizes = ['--hours', '1', '--bits-per-second', '1e6'];
    const child = spawn(process.execPath, [CLI, 'bench', 'outbox', ...sizes, '--report', report], {
      stdio: 'inherit',
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
    const { offline, catchUp } = outboxBenchReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    expect(offline.windows).toBe(360);
    expect(offline.payloadBytes).toBeGreaterThan(360 * 500);
    expect(catchUp.batchBytes).toBeGreaterThan(1_000);
    expect(catchUp.batchBytes).toBeLessThan(offline.payloadBytes / 2);
  });
});
