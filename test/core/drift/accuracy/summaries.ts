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
