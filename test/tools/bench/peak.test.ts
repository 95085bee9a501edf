import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPeak, PEAK_DEFAULTS } from '../../../src/tools/bench/peak.ts';

describe('findPeak', () => {
  it('finds a sustained rate at most a step below the limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 10, max: 99, noNaN: true }), async (limit) => {
        const peak = await findPeak((rate) => Promise.resolve(rate <= limit));
        expect(peak).toBeLessThanOrEqual(limit);
        expect(limit - peak).toBeLessThan(PEAK_DEFAULTS.step);
      }),
    );
  });

  it('returns 0 if not even the lowest rate is sustained', async () => {
    expect(await findPeak(() => Promise.resolve(false))).toBe(0);
  });

  it('tries nothing above the highest rate', async () => {
    const tried: number[] = [];
    await findPeak((rate) => {
      tried.push(rate);
      return Promise.resolve(true);
    });
    expect(Math.max(...tried)).toBeLessThanOrEqual(PEAK_DEFAULTS.highest);
  });
});
