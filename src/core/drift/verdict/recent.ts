import { OBSERVED } from '../observe/observed.ts';

/** Observations that are kept. */
export const MAX_RECENT = 30;

/** The newest observations of a camera. */
export class RecentObservations {
  readonly #rows = Array.from({ length: MAX_RECENT }, () => new Float64Array(OBSERVED.length));
  #count = 0;

  /** @param observation in the order of `OBSERVED`; what comes after is not kept */
  add(observation: Float64Array): void {
    this.#rows[this.#count % MAX_RECENT]!.set(observation.subarray(0, OBSERVED.length));
    this.#count += 1;
  }

  /** The measured values of a feature. @param at its place in an observation @param count of the newest observations */
  values(at: number, count: number): number[] {
    const from = Math.max(0, this.#count - Math.min(count, MAX_RECENT));
    const values: number[] = [];
    for (let i = from; i < this.#count; i++) {
      const value = this.#rows[i % MAX_RECENT]![at]!;
      if (!Number.isNaN(value)) values.push(value);
    }
    return values;
  }

  /** The mean of each feature over the newest `count` observations, as an observation; NaN where none was measured. */
  mean(count: number): Float64Array {
    return Float64Array.from(OBSERVED, (_, at) => {
      const values = this.values(at, count);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    });
  }
}
