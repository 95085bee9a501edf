import { PATCH_COUNT } from '../frame-block.ts';
import { hasRelief, type ReliefProfile } from './relief.ts';

/** observations over which deviations are averaged, about, and without which nothing is said */
const MEMORY = 16;
const AT_LEAST = 6;
/** deviations count up to this many, so that one patch does not decide */
const MAX_SIGMAS = 4;
/** gray levels, added to a spread: less is not seen */
const LEAST_SPREAD = 1;

/**
 * Follows where the relief deviates from that of a context. In a scene that moves, and in one that stands still as in
 * the reference, deviations come and go; those of dirt, a crack or a turned camera stay where they are.
 */
export class PatternWatch {
  readonly #middle: Float64Array;
  readonly #perGray: Float64Array;
  readonly #mean = new Float64Array(PATCH_COUNT);
  #count = 0;

  constructor({ middle, spread }: ReliefProfile) {
    this.#middle = Float64Array.from(middle);
    this.#perGray = Float64Array.from(spread, (one) => 1 / (one + LEAST_SPREAD));
  }

  /**
   * @param relief of an observation
   * @returns the mean product of its deviations with the mean of those before, 0 or more; NaN for the first ones and
   * without a relief
   */
  update(relief: Float64Array): number {
    if (!hasRelief(relief)) return NaN;
    const [middle, perGray, mean] = [this.#middle, this.#perGray, this.#mean];
    this.#count += 1;
    const share = 1 / Math.min(this.#count, MEMORY);
    let sum = 0;
    for (let i = 0; i < PATCH_COUNT; i++) {
      const sigmas = (relief[i]! - middle[i]!) * perGray[i]!;
      const deviation = Math.max(-MAX_SIGMAS, Math.min(MAX_SIGMAS, sigmas));
      sum += deviation * mean[i]!;
      mean[i]! += share * (deviation - mean[i]!);
    }
    return this.#count > AT_LEAST ? Math.max(0, sum / PATCH_COUNT) : NaN;
  }
}
