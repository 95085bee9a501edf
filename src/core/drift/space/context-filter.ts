/** How likely a camera comes into another context from one observation to the next. */
const SWITCH = 0.01;
/** Features depend on each other, so their squared deviations count less than if they did not. */
const TEMPER = 0.3;
/** Logarithm of the lowest likelihood ratio of two contexts. */
const LOWEST = -30;

/**
 * Which of several contexts a camera is in: a hidden Markov filter over all features at once, so that what is unusual
 * for each context does not pass because each of its features is usual in some context.
 */
export class ContextFilter {
  readonly #posterior: Float64Array;

  constructor(contexts: number) {
    this.#posterior = new Float64Array(contexts).fill(1 / contexts);
  }

  /** @param distances squared, of an observation to each context @returns the index of the likeliest context */
  update(distances: ArrayLike<number>): number {
    const posterior = this.#posterior;
    const nearest = Math.min(...Array.from(distances));
    let total = 0;
    for (let k = 0; k < posterior.length; k++) {
      const before = (1 - SWITCH) * posterior[k]! + SWITCH / posterior.length;
      const ratio = Math.exp(Math.max(LOWEST, -0.5 * TEMPER * (distances[k]! - nearest)));
      posterior[k] = before * ratio;
      total += posterior[k]!;
    }
    for (let k = 0; k < posterior.length; k++) posterior[k]! /= total;
    return posterior.indexOf(Math.max(...posterior));
  }
}
