/**
 * Limits frames per second, evenly spaced. The next slot follows the last slot, not the last frame, so that a camera
 * slightly faster than the limit comes out at the limit and not at half its own rate.
 */
export class RateLimit {
  readonly #nowMs: () => number;
  #intervalMs = 0;
  #nextMs = -Infinity;

  /** @param nowMs monotonic milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param framesPerSecond 0 lets everything through */
  set(framesPerSecond: number): void {
    this.#intervalMs = framesPerSecond > 0 ? 1000 / framesPerSecond : 0;
    this.#nextMs = -Infinity;
  }

  /** Whether the frame that is here now may pass. */
  admits(): boolean {
    if (this.#intervalMs === 0) return true;
    const now = this.#nowMs();
    // A millisecond of tolerance: a camera at exactly the limit jitters around its slots.
    if (now < this.#nextMs - 1) return false;
    // After a pause the slots start over: missed ones are not made up for.
    const slot = now - this.#nextMs > this.#intervalMs ? now : this.#nextMs;
    this.#nextMs = slot + this.#intervalMs;
    return true;
  }
}
