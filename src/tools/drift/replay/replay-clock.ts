import { systemClock, type Clock } from '../../../platform/clock.ts';

/** Recorders write messages a little out of order; a larger step back means that the clock was set. */
const MAX_BACK_MS = 1_000;
/** A longer pause between two frames means that the clock was set, too. */
const MAX_PAUSE_MS = 3_600_000;
/** How often a robot looks whether something is due. */
const STEP_MS = 1_000;

/**
 * The clocks of a robot at the time of a recording: they move from frame to frame, as fast as frames can be processed.
 * Timers are those of this machine, since they guard the work that is done here.
 */
export class ReplayClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #steps = 0;

  /** @param wallMs when the first frame arrived, since the epoch */
  constructor(wallMs: number) {
    this.#wallMs = wallMs;
  }

  /** how often the clock was set */
  get steps(): number {
    return this.#steps;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  startTimer(callback: () => void, ms: number): object {
    return systemClock.startTimer(callback, ms);
  }

  stopTimer(handle: object): void {
    systemClock.stopTimer(handle);
  }

  /**
   * Moves to the arrival of the next frame.
   * @param onStep called after each second, and at the arrival
   */
  moveTo(arrivedMs: number, onStep: () => void): void {
    const passed = arrivedMs - this.#wallMs;
    if (passed < -MAX_BACK_MS || passed > MAX_PAUSE_MS) {
      this.#wallMs = arrivedMs;
      this.#steps += 1;
      onStep();
      return;
    }
    for (let left = passed; left > 0; left -= STEP_MS) {
      const step = Math.min(left, STEP_MS);
      this.#monotonicMs += step;
      this.#wallMs += step;
      onStep();
    }
  }
}
