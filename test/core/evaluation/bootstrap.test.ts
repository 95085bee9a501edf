import { describe, expect, it } from 'vitest';
import { bootstrapAp, weightedAp } from '../../../src/core/evaluation/bootstrap.ts';
import type { EvaluationSet } from '../../../src/core/evaluation/boxes.ts';
import { CurveReader } from '../../../src/core/evaluation/curves.ts';
import { evaluateDetections } from '../../../src/core/evaluation/evaluate.ts';
import { evaluationSet, goldenSets } from './golden-set.ts';

/** The data set with image i repeated `weights[i]` times, as separate images. */
function repeated(set: EvaluationSet, weights: Float64Array): EvaluationSet {
  const copies = [...weights].flatMap((weight, image) => Array.from({ length: weight }, () => image));
  const again = <T extends { image: number }>(list: readonly T[]): T[] =>
    copies.flatMap((from, image) =>
      list.filter((box) => box.image === from).map((box) => ({ ...box, image })),
    );
  return {
    images: copies.length,
    classes: set.classes,
    truths: again(set.truths),
    detections: again(set.detections),
  };
}

const crowds = evaluationSet(goldenSets[0]!);
const options = { images: crowds.images, resamples: 200, seed: 1, confidence: 0.95 };

describe('weightedAp', () => {
  it('equals the evaluation of the repeated images', () => {
    const { matches } = evaluateDetections(crowds);
    const weights = Float64Array.from({ length: crowds.images }, (_, i) => i % 4);
    const { ap } = evaluateDetections(repeated(crowds, weights)).stats;
    expect(weightedAp(matches, weights, new CurveReader())).toBeCloseTo(ap!, 9);
  });
});

describe('bootstrapAp', () => {
  const { matches, stats } = evaluateDetections(crowds);

  it('contains the measured AP, and is narrower for a lower confidence', () => {
    const wide = bootstrapAp(matches, options)!;
    const narrow = bootstrapAp(matches, { ...options, confidence: 0.5 })!;
    expect(wide.low).toBeLessThan(stats.ap!);
    expect(wide.high).toBeGreaterThan(stats.ap!);
    expect(narrow.high - narrow.low).toBeLessThan(wide.high - wide.low);
  });

  it('returns the same interval only for the same seed', () => {
    expect(bootstrapAp(matches, options)).toEqual(bootstrapAp(matches, options));
    expect(bootstrapAp(matches, { ...options, seed: 2 })).not.toEqual(bootstrapAp(matches, options));
  });

  it('is null if no object counts', () => {
    const none = evaluationSet(goldenSets.at(-1)!);
    const evaluation = evaluateDetections(none);
    expect(bootstrapAp(evaluation.matches, { ...options, images: none.images })).toBeNull();
  });
});
