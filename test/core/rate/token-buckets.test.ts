import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBuckets } from '../../../src/core/rate/token-buckets.ts';

describe('a token bucket for each caller', () => {
  it('gives a burst, then as many as the rate allows, and says how long to wait', () => {
    const buckets = new TokenBuckets({ burst: 3, perSecond: 2 });
    expect([0, 0, 0, 0].map(() => buckets.take('a', 0))).toEqual([0, 0, 0, 0.5]);
    expect(buckets.take('b', 0)).toBe(0);
    expect(buckets.waitOf('a', 250)).toBe(0.25);
    expect([buckets.take('a', 500), buckets.take('a', 500)]).toEqual([0, 0.5]);
  });

  it('never gives more than burst and rate together, whatever comes when', () => {
    const rule = fc.record({
      burst: fc.integer({ min: 1, max: 20 }),
      perSecond: fc.integer({ min: 1, max: 50 }),
    });
    const pauses = fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(rule, pauses, (limits, steps) => {
        const buckets = new TokenBuckets(limits);
        let nowMs = 0;
        let taken = 0;
        for (const step of steps) {
          nowMs += step;
          if (buckets.take('a', nowMs) === 0) taken += 1;
          expect(taken).toBeLessThanOrEqual(limits.burst + (nowMs / 1_000) * limits.perSecond + 1e-6);
        }
      }),
    );
  });

  it('has again what was given back, and never more than a burst', () => {
    const buckets = new TokenBuckets({ burst: 2, perSecond: 1 });
    for (let i = 0; i < 5; i += 1) {
      expect(buckets.take('a', 0)).toBe(0);
      buckets.giveBack('a', 0);
    }
    buckets.giveBack('a', 0);
    expect([0, 0, 0].map(() => buckets.take('a', 0))).toEqual([0, 0, 1]);
  });

  it('gives to who waited as long as it was told', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (perSecond) => {
        const buckets = new TokenBuckets({ burst: 1, perSecond });
        buckets.take('a', 0);
        expect(buckets.take('a', Math.ceil(buckets.waitOf('a', 0) * 1_000))).toBe(0);
      }),
    );
  });

  it('forgets whoever was not seen for longest', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 1 }, 2);
    for (const key of ['a', 'b', 'a', 'c']) buckets.take(key, 0);
    expect(buckets.size).toBe(2);
    expect(['a', 'b', 'c'].map((key) => buckets.waitOf(key, 0))).toEqual([1, 0, 1]);
  });
});
