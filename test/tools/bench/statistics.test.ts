import { describe, expect, it } from 'vitest';
import { jitterMs, percentile, spreadOf } from '../../../src/tools/bench/statistics.ts';

describe('bench statistics', () => {
  it('computes percentiles as sorted[floor(n p)], as LoadGen does', () => {
    const values = Array.from({ length: 100 }, (_, index) => index);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile([], 0.5)).toBe(0);
  });

  it('does not depend on the order of the values and does not change them', () => {
    const values = [3, 1, 2];
    expect(spreadOf(values)).toEqual({ count: 3, p50: 2, p90: 3, p99: 3, p999: 3, max: 3 });
    expect(values).toEqual([3, 1, 2]);
  });

  it('has no jitter at a steady rate and sees one late frame in three differences', () => {
    expect(jitterMs([0, 1, 2, 3])).toEqual([0, 0]);
    expect(jitterMs([0, 1, 2.5, 3, 4]).map(Math.round)).toEqual([500, 1000, 500]);
  });
});
