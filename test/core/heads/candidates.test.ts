import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addCorners,
  createCandidates,
  MULTI_LABEL_CANDIDATES,
  resetCandidates,
} from '../../../src/core/heads/candidates.ts';
import { ScoreOrder } from '../../../src/core/nms.ts';

describe('a full set of candidates', () => {
  it('keeps the best, the first among equals', () => {
    const candidates = createCandidates(10);
    const order = new ScoreOrder();
    const best = new Uint32Array(MULTI_LABEL_CANDIDATES);
    fc.assert(
      // few different scores cause many ties, many different ones few
      fc.property(
        fc.integer({ min: 2, max: 100_000 }),
        fc.integer({ min: 1, max: 2 ** 30 }),
        (levels, factor) => {
          const scores = Float32Array.from({ length: 150_000 }, (_, i) => ((i * factor) % levels) / levels);
          resetCandidates(candidates, 84, true);
          scores.forEach((score, i) => addCorners(candidates, i, 0, i + 1, 1, score, i % 1000));
          expect(candidates.count).toBeLessThanOrEqual(candidates.scores.length);

          const expected = Array.from(scores.keys())
            .sort((a, b) => scores[b]! - scores[a]! || a - b)
            .slice(0, MULTI_LABEL_CANDIDATES);
          const kept = order.best(candidates.scores, candidates.count, MULTI_LABEL_CANDIDATES, best);
          const found = Array.from(best.subarray(0, kept), (entry) => candidates.boxes[4 * entry]!);
          expect(found).toEqual(expected);
          expect(candidates.classes[best[kept - 1]!]).toBe(expected.at(-1)! % 1000);
        },
      ),
      { numRuns: 5 },
    );
  });

  it('is empty again for the next image', () => {
    const candidates = createCandidates(10);
    resetCandidates(candidates, 84, true);
    for (let i = 0; i <= 2 * MULTI_LABEL_CANDIDATES; i++) addCorners(candidates, 0, 0, 1, 1, 0.9, 0);
    resetCandidates(candidates, 84, false);
    expect(candidates.count).toBe(0);
    addCorners(candidates, 1, 2, 3, 4, 0.1, 5);
    expect([candidates.count, candidates.classes[0]]).toEqual([1, 5]);
  });
});
