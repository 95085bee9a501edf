import type { AccuracySample } from '../../../../src/core/drift/accuracy/samples.ts';
import type { DriftSummary } from '../../../../src/core/drift/summary.ts';
import { createRandom } from '../../../../src/core/random.ts';

/** Means of frames of a made-up camera. */
export function summaryWith(score: number, noise: number, rest: Partial<DriftSummary> = {}): DriftSummary {
  const features = { noise, sharpness: 20, contrast: 0.2, brightness: 0.5 };
  return { frames: 300, features, consistency: 0.3, reliability: 0.9, score, ...rest };
}

/** The share that a made-up model keeps: two thirds of the missing score, and a tenth of the logarithm of noise. */
export function trueShare(score: number, noise: number): number {
  return Math.max(0, Math.min(1, 1 - 2 * (0.7 - score) - 0.1 * Math.max(0, Math.log(noise / 2))));
}

/** Samples of two scene mixes whose clean scores differ, degraded by four made-up corruptions. */
export function madeSamples(): AccuracySample[] {
  const random = createRandom(4);
  return ['few', 'crowded'].flatMap((mix, at) => {
    const offset = 0.1 * at;
    const clean = { mix, corruption: 'clean', summary: summaryWith(0.7 - offset, 2), share: 1 };
    const degraded = ['grain', 'haze', 'smear', 'gloom'].flatMap((corruption) =>
      [1, 2, 3, 4, 5].map(() => {
        const score = random.range(0.4, 0.7);
        const noise = corruption === 'grain' ? random.range(2, 20) : 2;
        // reliability moves at random: it says nothing here
        const summary = summaryWith(score - offset, noise, { reliability: random.next() });
        return { mix, corruption, summary, share: trueShare(score, noise) };
      }),
    );
    return [clean, ...degraded];
  });
}

/**
 * Samples whose loss is what brightness lost less half of what sharpness lost, and whose contrast nearly says so. Each
 * of the two alone says less.
 */
export function togetherSamples(): AccuracySample[] {
  const random = createRandom(5);
  const lookOf = (brightness: number, sharpness: number, contrast: number): DriftSummary => {
    const features = {
      noise: 2,
      brightness: 0.5 * Math.exp(-brightness),
      sharpness: 20 * Math.exp(-sharpness),
      contrast: 0.2 * Math.exp(-contrast),
    };
    return summaryWith(0.7, 2, { features });
  };
  return ['few', 'crowded'].flatMap((mix) => {
    const clean = { mix, corruption: 'clean', summary: lookOf(0, 0, 0), share: 1 };
    const degraded = ['grain', 'haze', 'smear', 'gloom'].flatMap((corruption) =>
      [1, 2, 3, 4, 5, 6].map(() => {
        const loss = random.range(0.05, 0.6);
        const sharpness = random.range(0, 2);
        const summary = lookOf(loss + sharpness / 2, sharpness, loss * random.range(0.6, 1.4));
        return { mix, corruption, summary, share: 1 - loss };
      }),
    );
    return [clean, ...degraded];
  });
}
