/**
 * The time in which frames came: from the first to the last of each stretch without a pause, and one mean
 * interval more for each stretch's last frame, so that 30 frames a second over any time are 30 frames a
 * second. Constant memory.
 */
export class FrameSpan {
  #frames = 0;
  #stretches = 0;
  /** milliseconds from the first to the last frame, of the stretches before the open one */
  #closedMs = 0;
  #first: number | null = null;
  #last = 0;

  /** A frame came at monotonic time `nowMs`. */
  mark(nowMs: number): void {
    if (this.#first === null) {
      this.#first = nowMs;
      this.#stretches += 1;
    }
    this.#last = nowMs;
    this.#frames += 1;
  }

  /** No frames are taken from here on: what comes later is another stretch. */
  pause(): void {
    if (this.#first !== null) this.#closedMs += this.#last - this.#first;
    this.#first = null;
  }

  /** 0 while there is no stretch of two frames. */
  get seconds(): number {
    const intervals = this.#frames - this.#stretches;
    const openMs = this.#first === null ? 0 : this.#last - this.#first;
    if (intervals === 0) return 0;
    return ((this.#closedMs + openMs) * this.#frames) / intervals / 1000;
  }
}
