import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { benchSwap } from '../../../src/tools/bench/swap.ts';
import { writeTinyBundle } from '../../support/tiny-bundle.ts';

it('changes between two models there and back, and accounts for every frame', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-bench-swap-'));
  try {
    const bundle = await writeTinyBundle(join(folder, 'one'));
    const other = await writeTinyBundle(join(folder, 'two'), '1.0.1');
    const { signal } = new AbortController();
    const camera = { width: 160, height: 96, rate: 50, load: null, threads: 1, quietMs: 100 };
    const report = await benchSwap({ bundle, fallback: other.folder, ...camera, swaps: 2, signal });
    expect(report).toMatchObject({
      bundle: { digest: bundle.digest },
      fallback: { digest: other.digest },
      swapMs: { count: 2 },
      outOfOrder: 0,
    });
    const { received, published, drops } = report.frames;
    expect(received).toBe(published + Object.values(drops).reduce((sum, count) => sum + count, 0));
    expect(report.totalMs.during.count + report.totalMs.otherwise.count).toBe(published);
    expect(report.received.during + report.received.otherwise).toBe(received);
    expect(report.dropped.during + report.dropped.otherwise).toBe(received - published);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('finds the rate that is a share of what the slower model can do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-bench-swap-'));
  try {
    const bundle = await writeTinyBundle(join(folder, 'one'));
    const other = await writeTinyBundle(join(folder, 'two'), '1.0.1');
    const { signal } = new AbortController();
    const camera = { width: 160, height: 96, rate: 1, threads: 1, quietMs: 100 };
    const report = await benchSwap({ bundle, fallback: other.folder, ...camera, load: 10, swaps: 2, signal });
    expect(report.load).toBe(10);
    expect(report.rate).toBeGreaterThan(0);
    expect(report.frames.published).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
