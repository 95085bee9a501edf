import type { Stamp } from '../../core/frame.ts';

/**
 * Number of stamps remembered: half a minute of a fast camera. Longer loops step back far enough to be a new timeline.
 */
const REMEMBERED = 1024;

/** Detects a source that plays the same stamps over and over, by two known ones in a row. */
export class StampHistory {
  readonly #seconds = new Float64Array(REMEMBERED).fill(Number.NaN);
  readonly #nanoseconds = new Float64Array(REMEMBERED);
  #next = 0;
  /** position of the last stamp if it was known already; -1 if it was new */
  #lastFound = -1;
  #isLooping = false;

  /** True from the second known stamp in a row to the next new one. */
  get isLooping(): boolean {
    return this.#isLooping;
  }

  /** Takes the next stamp of the source, in order of arrival. */
  note(stamp: Stamp): void {
    const found = this.#find(stamp);
    if (found < 0) {
      this.#seconds[this.#next] = stamp.sec;
      this.#nanoseconds[this.#next] = stamp.nanosec;
      this.#next = (this.#next + 1) % REMEMBERED;
      this.#isLooping = false;
    } else if (this.#lastFound >= 0 && found === (this.#lastFound + 1) % REMEMBERED) {
      this.#isLooping = true;
    }
    this.#lastFound = found;
  }

  #find({ sec, nanosec }: Stamp): number {
    for (let i = 0; i < REMEMBERED; i++) {
      if (this.#nanoseconds[i] === nanosec && this.#seconds[i] === sec) return i;
    }
    return -1;
  }
}
