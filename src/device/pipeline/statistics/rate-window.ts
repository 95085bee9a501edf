const BUCKETS_PER_SECOND = 4;

/** Length of the window of all frame rates, seconds. */
export const RATE_WINDOW_SECONDS = 5;

/** Events per second over the last few seconds, counted in quarter-second buckets: constant memory, constant time. */
export class RateWindow {
  readonly #counts: Float64Array;
  #startedAt = -1;
  #bucket = 0;

  /** @param seconds length of the window, >= 1 */
  constructor(seconds: number) {
    this.#counts = new Float64Array(seconds * BUCKETS_PER_SECOND);
  }

  /** One event at monotonic time `nowMs`. */
  mark(nowMs: number): void {
    this.#advance(nowMs);
    const index = this.#bucket % this.#counts.length;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  /**
   * Events per second over the window that ends now, or since the first event if that is shorter, but at least half a
   * second. The current bucket counts for as much time as has passed of it.
   */
  rate(nowMs: number): number {
    if (this.#startedAt < 0) return 0;
    this.#advance(nowMs);
    let total = 0;
    for (const count of this.#counts) total += count;
    const elapsed = (nowMs - this.#startedAt) / 1000;
    const covered = nowMs / 1000 - (this.#bucket + 1 - this.#counts.length) / BUCKETS_PER_SECOND;
    return total / Math.max(0.5, Math.min(elapsed, covered));
  }

  #advance(nowMs: number): void {
    const bucket = Math.floor((nowMs / 1000) * BUCKETS_PER_SECOND);
    if (this.#startedAt < 0) {
      this.#startedAt = nowMs;
      this.#bucket = bucket;
    }
    const stale = Math.min(bucket - this.#bucket, this.#counts.length);
    for (let i = 1; i <= stale; i++) this.#counts[(this.#bucket + i) % this.#counts.length] = 0;
    if (bucket > this.#bucket) this.#bucket = bucket;
  }
}
