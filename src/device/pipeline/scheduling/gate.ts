import type { FrameJob } from '../frame/frame-job.ts';

/** Holds the one waiting frame of a camera; a newer one replaces it. */
export class Gate {
  #waiting: FrameJob | null = null;

  get waiting(): FrameJob | null {
    return this.#waiting;
  }

  /** Lets a frame wait; returns the one that it replaced, or `null`. */
  put(job: FrameJob): FrameJob | null {
    const superseded = this.#waiting;
    this.#waiting = job;
    return superseded;
  }

  /** Removes the waiting frame; `null` if there is none. */
  take(): FrameJob | null {
    const job = this.#waiting;
    this.#waiting = null;
    return job;
  }
}
