import type { FrameEnvelope } from '../../core/frame.ts';
import { isUnset, secondsBetween } from './stamp-guard.ts';

/** A longer step between stamps is not the time between two frames, seconds. */
const LONGEST_STEP = 60;

/**
 * The time for tracking one camera's objects, which only increases: by the stamps while they increase, by arrival times
 * if stamps repeat, step back or are not set.
 */
export class TrackClock {
  #seconds = 0;
  #last: Pick<FrameEnvelope, 'stamp' | 'receivedAt'> | null = null;

  /** Seconds from the first frame to this one. Frames are passed in order of arrival. */
  next(envelope: Pick<FrameEnvelope, 'stamp' | 'receivedAt'>): number {
    const { stamp, receivedAt } = envelope;
    const last = this.#last;
    this.#last = envelope;
    if (last === null) return this.#seconds;
    const step = secondsBetween(stamp, last.stamp);
    const isRising = step > 0 && step <= LONGEST_STEP && !isUnset(stamp) && !isUnset(last.stamp);
    this.#seconds += isRising ? step : Math.max(0, receivedAt - last.receivedAt) / 1000;
    return this.#seconds;
  }
}
