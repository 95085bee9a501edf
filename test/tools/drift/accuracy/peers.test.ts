import { describe, expect, it } from 'vitest';
import type { MixSamples, PictureSample } from '../../../../src/contract/accuracy-samples.ts';
import { errorsOf } from '../../../../src/core/drift/accuracy/fit.ts';
import { CLEAN } from '../../../../src/core/drift/accuracy/samples.ts';
import { countedBoxes } from '../../../../src/tools/drift/accuracy/counted-boxes.ts';
import { SCORE_BINS } from '../../../../src/tools/drift/accuracy/measure.ts';
import { shareNoise } from '../../../../src/tools/drift/accuracy/share-noise.ts';

const summary = { frames: 40, features: {}, consistency: null, reliability: null, score: null };

/** Pictures with a number of boxes above 0.3, and as many below it whatever was done to them. */
function sampleOf(mix: string, corruption: string, boxes: number, share: number): PictureSample {
  const scores = new Array<number>(SCORE_BINS).fill(0);
  scores[29] = 500;
  scores[30] = boxes;
  return { mix, corruption, strength: 1, share, ap: share / 2, summary, scores };
}

/** Of each box that is lost, a share of AP is lost. */
function mixOf(mix: string, boxes: number, lostPerBox: number): MixSamples {
  const at = (corruption: string, left: number) =>
    sampleOf(mix, corruption, boxes * left, 1 - lostPerBox * (1 - left));
  return {
    ...{ mix, pictures: 40, ap: 0.5, baseline: { graph: summary, sharp: summary } },
    samples: [at(CLEAN, 1), at('noise', 0.5), at('blur', 0.25), at('fog', 0.75)],
  };
}

describe('counted boxes', () => {
  it('are compared with those of the same pictures, however many there are', () => {
    const mixes = [mixOf('few', 100, 0.8), mixOf('crowded', 2000, 0.8)];
    const found = countedBoxes(mixes, 'corruption and scene mix');
    expect(found).toHaveLength(6);
    expect(errorsOf(found).meanAbsolute).toBeLessThan(1e-5);
  });

  it('follow from other scene mixes, or from all, and never from the same corruption', () => {
    const mixes = [mixOf('few', 100, 0.4), mixOf('crowded', 2000, 0.8)];
    const [ofFew] = countedBoxes(mixes, 'corruption and scene mix');
    expect(ofFew!.estimated).toBeCloseTo(1 - 0.8 * 0.5, 4);
    const [ofAll] = countedBoxes(mixes, 'corruption');
    expect(ofAll!.estimated).toBeCloseTo(1 - 0.6 * 0.5, 4);
    const spoiled = mixes.map((one) => ({
      ...one,
      samples: one.samples.map((sample) =>
        sample.corruption === 'noise' ? { ...sample, share: 0 } : sample,
      ),
    }));
    const [same] = countedBoxes(spoiled, 'corruption');
    expect(same!.estimated).toBe(ofAll!.estimated);
  });
});

describe('the noise of a true share', () => {
  it('is how far shares of other draws are off, the same pictures drawn for both', () => {
    const clean = Float64Array.of(0.5, 0.4, 0.25);
    expect(shareNoise(Float64Array.of(0.25, 0.2, 0.125), clean, 0.5)).toBeCloseTo(0, 12);
    expect(shareNoise(Float64Array.of(0.3, 0.16, 0.125), clean, 0.5)).toBeCloseTo(0.2 / 3, 12);
    // a share above 1 counts as 1, and a draw without an object says nothing
    expect(shareNoise(Float64Array.of(0.6, 0.1), Float64Array.of(0.5, NaN), 1)).toBe(0);
    expect(shareNoise(Float64Array.of(0.1), Float64Array.of(0), 0.3)).toBe(0);
  });
});
