import { ForgettingEstimate } from './forgetting.ts';
import { KEEPS } from './rates.ts';

/** Without drift R is mostly below this. */
const NEAR_ZERO = 100;

/**
 * Evidence that one feature left the context that the camera is in. For each half-life, the likelihood ratio L of the
 * next bin, predicted from the bins before, against its probability in the context, and the Shiryaev-Roberts sum
 * R = (1 + R) L. Without drift L is 1 or less on average given the past, so R minus the number of observations is a
 * supermartingale, and the mean time until R reaches A is at least A (Pollak 1985; e-detectors, Shin, Ramdas and
 * Rinaldo 2022).
 */
export class FeatureAlarm {
  /** the mean of R over half-lives, which has the same property, also where it is limited */
  evidence = 0;
  /** observations since R was last near 0 */
  age = 0;
  readonly #estimates = KEEPS.map((keep) => new ForgettingEstimate(keep));
  readonly #sums = new Float64Array(KEEPS.length);
  readonly #keepLess: number;
  readonly #highest: number;

  /**
   * @param discount taken off the logarithm of each likelihood ratio, >= 0
   * @param highest R goes no higher, so that it comes down again once drift is over
   */
  constructor(discount: number, highest: number) {
    this.#keepLess = Math.exp(-discount);
    this.#highest = highest;
  }

  /** @param probabilities of the bins in the context */
  update(bin: number, probabilities: readonly number[]): void {
    const expected = probabilities[bin]!;
    let sum = 0;
    for (let i = 0; i < KEEPS.length; i++) {
      const estimate = this.#estimates[i]!;
      const predicted = estimate.probability(bin, expected, probabilities.length);
      const next = Math.min(this.#highest, ((1 + this.#sums[i]!) * predicted * this.#keepLess) / expected);
      this.#sums[i] = next;
      sum += next;
      estimate.add(bin);
    }
    this.evidence = sum / KEEPS.length;
    this.age = this.evidence < NEAR_ZERO ? 0 : this.age + 1;
  }

  /** The camera came into another context: what was learned about the bins of the one before says nothing now. */
  forget(): void {
    for (const estimate of this.#estimates) estimate.clear();
  }

  /** @param most evidence that the reference supports (`support.ts`) */
  limit(most: number): void {
    let sum = 0;
    for (let i = 0; i < KEEPS.length; i++) {
      this.#sums[i] = Math.min(most, this.#sums[i]!);
      sum += this.#sums[i]!;
    }
    this.evidence = sum / KEEPS.length;
  }

  /** Begins to gather evidence anew; what was learned about the bins stays. */
  reset(): void {
    this.#sums.fill(0);
    this.evidence = 0;
    this.age = 0;
  }
}
