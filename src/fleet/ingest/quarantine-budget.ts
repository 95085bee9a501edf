/** Messages that are kept for one topic, and in all, in each period. */
const KEPT_PER_TOPIC = 20;
const KEPT_IN_ALL = 1_000;
const PERIOD_MS = 3_600_000;

/**
 * How many wrong messages are kept: enough to see what is wrong with a sender, and no more of one that repeats itself,
 * or of many. The others are only counted.
 */
export class QuarantineBudget {
  #kept = new Map<string, number>();
  #all = 0;
  #since = -Infinity;

  /** Whether to keep another one. @param nowMs monotonic */
  admits(topic: string, nowMs: number): boolean {
    if (nowMs - this.#since >= PERIOD_MS) {
      this.#kept = new Map();
      this.#all = 0;
      this.#since = nowMs;
    }
    const kept = this.#kept.get(topic) ?? 0;
    if (kept >= KEPT_PER_TOPIC || this.#all >= KEPT_IN_ALL) return false;
    this.#kept.set(topic, kept + 1);
    this.#all += 1;
    return true;
  }
}
