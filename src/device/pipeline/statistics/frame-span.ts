/**
 * The time during which frames arrived: from the first to the last of each stretch without a pause, plus one mean
 * interval for each stretch's last frame, so that 30 frames a second come out as 30 over any time. Constant memory.
 */
export class FrameSpan {
  #frames = 0;
  #stretches = 0;
  /** milliseconds from the first to the last frame, in the stretches before the current one */
  #closedMs = 0;
  #first: number | null = null;
  #last = 0;

  /** A frame arrived at monotonic time `nowMs`. */
  mark(nowMs: number): void {
    if (this.#first === null) {
      this.#first = nowMs;
      this.#stretches += 1;
    }
    this.#last = nowMs;
    this.#frames += 1;
  }

  /** No frames are accepted from here on: the next one starts another stretch. */
  pause(): void {
    if (this.#first !== null) this.#closedMs += this.#last - this.#first;
    this.#first = null;
  }

  /** 0 until a stretch has two frames. */
  get seconds(): number {
    const intervals = this.#frames - this.#stretches;
    const openMs = this.#first === null ? 0 : this.#last - this.#first;
    if (intervals === 0) return 0;
    return ((this.#closedMs + openMs) * this.#frames) / intervals / 1000;
  }
}
