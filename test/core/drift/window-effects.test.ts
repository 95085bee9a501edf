import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FeatureHistogram, type FeatureCounts } from '../../../src/core/drift/feature-counts.ts';
import { FEATURE_NAMES } from '../../../src/core/drift/features.ts';
import { binBounds, effectBetween, sharesOf } from '../../../src/core/drift/window-effects.ts';

interface Case {
  readonly now: Readonly<Record<string, number>>;
  readonly reference: Readonly<Record<string, number>>;
  readonly wasserstein: number;
}

const CASES = JSON.parse(
  readFileSync(new URL('golden/window_effects.json', import.meta.url), 'utf8'),
) as readonly Case[];

function countsOf(bins: Case['now']): FeatureCounts {
  const places = Object.keys(bins).map(Number);
  const first = Math.min(...places);
  const counts = Array.from({ length: Math.max(...places) - first + 1 }, (_, i) => bins[first + i] ?? 0);
  return { sum: 0, first, counts };
}

describe('effects of histograms', () => {
  it.each(CASES)('are those of SciPy: $now and $reference', ({ now, reference, wasserstein }) => {
    const effect = effectBetween('brightness', countsOf(now), countsOf(reference));
    // SciPy got 4000 values for each bin
    expect(effect.wasserstein).toBeCloseTo(wasserstein, 3);
  });

  it('are 0 for the same histogram, and numbers for any two', () => {
    const counted = fc
      .tuple(
        fc.constantFrom(...FEATURE_NAMES),
        fc.array(fc.double({ min: 0, max: 1e4, noNaN: true }), { minLength: 2 }),
      )
      .map(([name, values]) => {
        const of = (own: readonly number[]): FeatureCounts => {
          const histogram = new FeatureHistogram(name);
          own.forEach((value) => histogram.note(value));
          return histogram.read()!;
        };
        const half = Math.floor(values.length / 2);
        return [name, of(values.slice(0, half)), of(values.slice(half))] as const;
      });
    fc.assert(
      fc.property(counted, ([name, one, other]) => {
        expect(effectBetween(name, one, one)).toMatchObject({ wasserstein: 0, psi: 0 });
        const effect = effectBetween(name, one, other);
        expect(Object.values(effect).every((value) => Number.isFinite(value))).toBe(true);
        expect(sharesOf(name, one).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
        expect(binBounds(name).length).toBe(sharesOf(name, one).length);
      }),
    );
  });
});
