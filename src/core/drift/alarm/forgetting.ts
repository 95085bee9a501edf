import { MAX_BINS } from './bins.ts';
import { PRIOR_WEIGHT } from './rates.ts';

/** Weights grow up to this before they are brought down. */
const HEAVIEST = 1e100;

/** What the next bin will be, from the bins before it, of which the older ones count less (a Dirichlet estimate). */
export class ForgettingEstimate {
  /** of what was added, where the newest counts `#newest`: so that nothing decays but what is used */
  readonly #counts = new Float64Array(MAX_BINS);
  readonly #keep: number;
  #newest = 1;
  #total = 0;

  /** @param keep what is left of a count after one observation, 0..1 */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /**
   * The probability of a bin, given only what was added before.
   * @param expected that of the reference @param bins how many there are
   */
  probability(bin: number, expected: number, bins: number): number {
    // half of the prior is even, so that what the reference never showed is learned quickly
    const prior = PRIOR_WEIGHT * 0.5 * (expected + 1 / bins);
    return (this.#counts[bin]! / this.#newest + prior) / (this.#total + PRIOR_WEIGHT);
  }

  add(bin: number): void {
    this.#newest /= this.#keep;
    this.#counts[bin]! += this.#newest;
    this.#total = this.#total * this.#keep + 1;
    if (this.#newest < HEAVIEST) return;
    for (let i = 0; i < MAX_BINS; i++) this.#counts[i]! /= this.#newest;
    this.#newest = 1;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#newest = 1;
    this.#total = 0;
  }
}
