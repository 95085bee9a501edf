import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram, LATENCY_RANGE } from '../../src/core/histogram.ts';

const values = fc.array(fc.double({ min: 0.002, max: 900_000, noNaN: true }), {
  minLength: 1,
  maxLength: 200,
});

function of(recorded: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of recorded) histogram.record(value);
  return histogram;
}

function merged(...parts: readonly Histogram[]): Histogram {
  const sum = new Histogram();
  for (const part of parts) sum.merge(part);
  return sum;
}

const facts = (histogram: Histogram): unknown => [histogram.buckets(), histogram.summary()];

describe('Histogram', () => {
  it('reports each percentile within the stated relative error of the sorted values', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (recorded, share) => {
        const sorted = [...recorded].sort((a, b) => a - b);
        const exact = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
        const reported = of(recorded).percentile(share);
        expect(Math.abs(reported - exact) / exact).toBeLessThanOrEqual(LATENCY_RANGE.relativeError + 1e-9);
      }),
      { numRuns: 500 },
    );
  });

  it('merges associatively and commutatively, and as if everything had been recorded in one place', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const left = merged(merged(of(a), of(b)), of(c));
        const right = merged(of(a), merged(of(b), of(c)));
        expect(facts(left)).toEqual(facts(right));
        expect(facts(merged(of(a), of(b)))).toEqual(facts(merged(of(b), of(a))));
        expect(facts(left)).toEqual(facts(of([...a, ...b, ...c])));
      }),
    );
  });

  it('keeps the largest value exact, in range or out of it', () => {
    expect(of([1, 2, 123.456]).summary().max).toBe(123.456);
    expect(of([1, 5e9]).percentile(1)).toBe(5e9);
    expect(of([0, 0, 0, 1]).percentile(0.5)).toBe(0);
  });

  it('is all zero before anything is recorded, and again after a reset', () => {
    const zero = { count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
    expect(new Histogram().summary()).toEqual(zero);
    const histogram = of([4, 5]);
    histogram.reset();
    expect(histogram.summary()).toEqual(zero);
  });

  it('refuses values that are not durations', () => {
    const histogram = new Histogram();
    expect([NaN, -1, Infinity].map((value) => histogram.record(value))).toEqual([false, false, false]);
    expect(histogram.count).toBe(0);
  });

  it('refuses to merge histograms of different ranges', () => {
    const coarse = new Histogram({ lowest: 1, highest: 10, relativeError: 0.1 });
    expect(() => coarse.merge(new Histogram())).toThrow(RangeError);
    expect(() => new Histogram({ lowest: 0, highest: 1, relativeError: 0.1 })).toThrow(RangeError);
  });
});
