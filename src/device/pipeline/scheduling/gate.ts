import type { FrameJob } from '../frame/frame-job.ts';

/** Holds the one waiting frame of a camera; a newer one takes its place. */
export class Gate {
  #waiting: FrameJob | null = null;

  get waiting(): FrameJob | null {
    return this.#waiting;
  }

  /** Lets a frame wait; returns the one that had to make room, or `null`. */
  put(job: FrameJob): FrameJob | null {
    const superseded = this.#waiting;
    this.#waiting = job;
    return superseded;
  }

  /** Takes the waiting frame out, or `null` where there is none. */
  take(): FrameJob | null {
    const job = this.#waiting;
    this.#waiting = null;
    return job;
  }
}
