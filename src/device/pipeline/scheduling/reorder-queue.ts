import type { FrameJob } from '../frame/frame-job.ts';

/**
 * Puts one camera's results back into the order in which its frames were taken from the gate, since two workers may
 * finish out of order. A dropped frame blocks nothing; a late one blocks at most `window` newer results, then it is
 * overtaken. Where a model takes another one's place, all results of the one before leave first.
 */
export class ReorderQueue {
  readonly #window: () => number;
  /** until it is empty */
  #before: ReorderQueue | null;
  readonly #jobs: FrameJob[] = [];

  /**
   * @param window may change from one result to the next
   * @param before the queue of the same camera whose results leave before these; nothing is entered there any more
   */
  constructor(window: () => number, before: ReorderQueue | null = null) {
    this.#window = window;
    this.#before = before;
  }

  get length(): number {
    return this.#jobs.length;
  }

  /** A frame was taken from the gate. */
  enter(job: FrameJob): void {
    this.#jobs.push(job);
  }

  /** The next result that may be delivered, or `null`. Call until `null` after each frame that is done or dropped. */
  next(): FrameJob | null {
    if (this.#before !== null) {
      if (this.#before.length > 0) return null;
      this.#before = null;
    }
    for (;;) {
      const head = this.#jobs[0];
      if (head === undefined) return null;
      if (!head.isSettled && head.state !== 'detected') {
        if (this.#doneBehindHead() < this.#window()) return null;
        this.#jobs.shift();
        continue;
      }
      this.#jobs.shift();
      if (!head.isSettled) return head;
    }
  }

  /** True while the frame keeps its place; false once newer results have overtaken it. */
  includes(job: FrameJob): boolean {
    return this.#jobs.includes(job);
  }

  #doneBehindHead(): number {
    let done = 0;
    for (const job of this.#jobs) if (job.state === 'detected') done += 1;
    return done;
  }
}
