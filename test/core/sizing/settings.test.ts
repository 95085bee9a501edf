import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  candidatesFor,
  coresForInference,
  describeSetting,
  isSameSetting,
  type EngineSetting,
} from '../../../src/core/sizing/settings.ts';
import { ALL_AUTO } from './all-auto.ts';

const written = (settings: readonly EngineSetting[]): string[] =>
  settings.map(({ workers, threads, queueDepth }) => `${workers}x${threads} d${queueDepth}`);

function candidates(cores: number, isAccelerated = false, request = ALL_AUTO) {
  const { latency, throughput, safe } = candidatesFor({ cores, isAccelerated }, request);
  return { latency: written(latency), throughput: written(throughput), safe: written([safe])[0] };
}

describe('candidatesFor', () => {
  it.each([
    [1, ['1x1 d1'], [], '1x1 d1'],
    [1.5, ['1x1 d1'], [], '1x1 d1'],
    [0.3, ['1x1 d1'], [], '1x1 d1'],
    [2, ['1x1 d1', '1x2 d1'], ['2x1 d2'], '1x2 d1'],
    [4, ['1x1 d1', '1x2 d1', '1x3 d1'], ['3x1 d2'], '1x2 d1'],
    [6, ['1x1 d1', '1x2 d1', '1x4 d1'], ['4x1 d2', '2x2 d2'], '1x2 d1'],
    [8, ['1x1 d1', '1x2 d1', '1x4 d1'], ['4x1 d2', '3x2 d2'], '1x2 d1'],
    [12, ['1x1 d1', '1x2 d1', '1x4 d1'], ['4x1 d2', '4x2 d2'], '1x2 d1'],
  ])('returns the settings for %d cores of a CPU', (cores, latency, throughput, safe) => {
    expect(candidates(cores)).toEqual({ latency, throughput, safe });
  });

  it.each([1, 2, 6, 12])('returns one worker for an accelerator with %d CPU cores', (cores) => {
    expect(candidates(cores, true)).toEqual({ latency: ['1x1 d1'], throughput: ['1x1 d2'], safe: '1x1 d1' });
  });

  it('keeps what the operator fixed', () => {
    const on = (cores: number, request: Partial<EngineSetting>) =>
      candidates(cores, false, { ...ALL_AUTO, ...request });
    expect(on(2, { workers: 2 })).toEqual({ latency: ['2x1 d1'], throughput: ['2x1 d2'], safe: '2x1 d1' });
    expect(on(2, { threads: 2 })).toEqual({ latency: ['1x2 d1'], throughput: ['1x2 d2'], safe: '1x2 d1' });
    expect(on(2, { queueDepth: 1 })).toMatchObject({ latency: ['1x1 d1', '1x2 d1'], throughput: ['2x1 d1'] });
    expect(on(2, { workers: 16, threads: 64, queueDepth: 4 })).toEqual({
      latency: ['16x64 d4'],
      throughput: [],
      safe: '16x64 d4',
    });
    expect(on(8, { workers: 3 })).toMatchObject({
      latency: ['3x1 d1', '3x2 d1'],
      throughput: ['3x1 d2', '3x2 d2'],
    });
  });

  it('never fills more cores than inference may use unless requested, and leaves some from three on', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 256, noNaN: true }), (cores) => {
        const may = coresForInference(cores);
        const { latency, throughput, safe } = candidatesFor({ cores, isAccelerated: false }, ALL_AUTO);
        for (const { workers, threads } of [...latency, ...throughput, safe]) {
          expect(workers * threads).toBeLessThanOrEqual(may);
        }
        if (cores >= 3) expect(may).toBeLessThan(Math.floor(cores));
        expect(latency.length + throughput.length).toBeLessThanOrEqual(5);
      }),
    );
  });

  it('keeps the requested values in every candidate', () => {
    const fixed = (most: number) => fc.option(fc.integer({ min: 1, max: most }));
    const request = fc.record({ workers: fixed(16), threads: fixed(64), queueDepth: fixed(4) });
    fc.assert(
      fc.property(request, fc.integer({ min: 1, max: 64 }), fc.boolean(), (asked, cores, isAccelerated) => {
        const { latency, throughput, safe } = candidatesFor({ cores, isAccelerated }, asked);
        expect(latency.length).toBeGreaterThan(0);
        expect(latency.some((setting) => isSameSetting(setting, safe))).toBe(true);
        for (const setting of [...latency, ...throughput]) {
          for (const name of ['workers', 'threads', 'queueDepth'] as const) {
            expect(setting[name]).toBe(asked[name] ?? setting[name]);
            expect(setting[name]).toBeGreaterThan(0);
          }
        }
      }),
    );
  });
});

it('describes a setting in words', () => {
  expect(describeSetting({ workers: 2, threads: 1, queueDepth: 2 })).toBe(
    '2 workers x 1 thread, queue depth 2',
  );
  expect(describeSetting({ workers: 1, threads: 2, queueDepth: 1 })).toBe(
    '1 worker x 2 threads, queue depth 1',
  );
});
