import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { benchDrift } from '../../../src/tools/bench/drift.ts';
import { writeTinyBundle } from '../../support/tiny-bundle.ts';

it('measures every second frame of both kinds of input, as long as nobody interrupts it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-bench-drift-'));
  try {
    const bundle = await writeTinyBundle(folder);
    const { signal } = new AbortController();
    const options = { bundle, width: 160, height: 96, frames: 40, threads: 1, signal };
    const report = await benchDrift(options);
    expect(report).toMatchObject({ bundle: { digest: bundle.digest }, width: 160, height: 96, frames: 40 });
    for (const cost of [report.letterboxed, report.raw]) {
      for (const { without, with: measured } of [cost?.total, cost?.decode].map(
        (one) => one ?? expect.unreachable(),
      ))
        expect([without.count, measured.count]).toEqual([20, 20]);
      expect(cost?.p99Ratio).toBeGreaterThan(0);
    }
    const stopped = AbortSignal.abort(new Error('enough'));
    await expect(benchDrift({ ...options, signal: stopped })).rejects.toThrow('enough');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
