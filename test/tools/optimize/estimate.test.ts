import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateDrops } from '../../../src/tools/optimize/estimate.ts';
import type { SearchAccuracy } from '../../../src/tools/optimize/judge.ts';
import { createRandom } from '../../../src/core/random.ts';

const AP = 0.4;

function measured(drop: number, dropDeviation: number, agreement: number): SearchAccuracy {
  return { ap: AP - drop, drop, dropInterval: null, dropDeviation, agreement };
}

describe('estimateDrops', () => {
  it('lies between measurement and prediction, with less uncertainty than the measurement', () => {
    const one = fc.tuple(
      fc.double({ min: -0.05, max: 0.3, noNaN: true }),
      fc.double({ min: 0.001, max: 0.03, noNaN: true }),
      fc.double({ min: 0.3, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 20 }), (rows) => {
        const estimates = estimateDrops(
          rows.map((row) => measured(...row)),
          AP,
        );
        estimates.forEach(({ drop, deviation }, i) => {
          const [own, ownDeviation] = rows[i]!;
          expect(deviation).toBeLessThanOrEqual(ownDeviation);
          expect(drop).toBeGreaterThanOrEqual(Math.min(own, 0) - 1e-12);
          expect(drop).toBeLessThanOrEqual(Math.max(own, AP) + 1e-12);
        });
      }),
    );
  });

  it('trusts a measurement on many images', () => {
    const [estimate] = estimateDrops([measured(0.02, 0.0005, 0.99)], AP);
    expect(estimate!.drop).toBeCloseTo(0.02, 2);
  });

  it('is closer to the truth than the measurement alone with few images', () => {
    const random = createRandom(3);
    let [own, combined] = [0, 0];
    for (let run = 0; run < 50; run += 1) {
      const agreements = Array.from({ length: 20 }, () => random.range(0.6, 1));
      const truth = agreements.map((agreement) => 0.9 * AP * (1 - agreement) ** 2);
      const rows = agreements.map((agreement, i) =>
        measured(truth[i]! + 0.01 * random.bell(), 0.01, agreement),
      );
      estimateDrops(rows, AP).forEach(({ drop }, i) => {
        own += (rows[i]!.drop - truth[i]!) ** 2;
        combined += (drop - truth[i]!) ** 2;
      });
    }
    expect(combined).toBeLessThan(own / 4);
  });
});
