import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { rosBenchReportSchema } from '../../src/contract/bench.ts';
import { describeWith, ROS } from '../support/needs.ts';
import { CLI } from '../support/programs.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { childrenOf, RosBench } from './support/ros-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-ros-bench-'));
const report = join(folder, 'bench.json');
const bench = new RosBench(12, { XDG_CACHE_HOME: join(folder, 'cache') });
afterAll(async () => {
  await bench.close();
  rmSync(folder, { recursive: true, force: true });
});

const benchRos = (seconds: number) =>
  bench.start(
    process.execPath,
    ...[CLI, 'bench', 'ros', '--bundle', shippedBundle(), '--size', '640x360'],
    ...['--rate', '10', '--seconds', String(seconds), '--report', report],
  );

describeWith([ROS], 'goshawk bench ros', () => {
  it('leaves no node and no report when a service manager ends it alone', async () => {
    const run = benchRos(60);
    await expect.poll(() => childrenOf(run.pid).length, { timeout: 60_000, interval: 200 }).toBe(3);
    const nodes = childrenOf(run.pid);

    expect(await run.stop('SIGTERM', 'alone')).toBe(1);

    expect(run.output).toContain('GOSHAWK_INTERRUPTED: bench ros');
    expect(nodes.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(existsSync(report)).toBe(false);
  });

  it('accounts for every frame of camera, detector and listener', async () => {
    const run = benchRos(3);
    expect(await run.exit, run.output).toEqual({ code: 0, signal: null });

    const { trial, frames, undeclared } = rosBenchReportSchema.parse(
      JSON.parse(readFileSync(report, 'utf8')),
    );
    expect(run.output).toContain('frames that nobody accounts for: 0');
    expect(undeclared).toBe(0);
    expect(trial.sent).toBeGreaterThan(20);
    expect(trial.received).toBeGreaterThan(0);
    const dropped = Object.values(frames.drops).reduce((sum, count) => sum + count, 0);
    expect(frames.received).toBe(frames.published + dropped);
  });
});
