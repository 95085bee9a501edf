import type { FrameEnvelope } from '../../core/frame.ts';
import { isUnset, secondsBetween } from './stamp-guard.ts';

/** A step between stamps that is longer than this is not a time between two frames, seconds. */
const LONGEST_STEP = 60;

/**
 * The time on which objects of one camera are followed, which only rises: by the stamps while they rise, by
 * when the frames came where stamps repeat, step back or are not set.
 */
export class TrackClock {
  #seconds = 0;
  #last: Pick<FrameEnvelope, 'stamp' | 'receivedAt'> | null = null;

  /** Seconds from the first frame to this one. Frames are given in the order in which they came. */
  next({ stamp, receivedAt }: Pick<FrameEnvelope, 'stamp' | 'receivedAt'>): number {
    const last = this.#last;
    this.#last = { stamp, receivedAt };
    if (last === null) return this.#seconds;
    const step = secondsBetween(stamp, last.stamp);
    const isRising = step > 0 && step <= LONGEST_STEP && !isUnset(stamp) && !isUnset(last.stamp);
    this.#seconds += isRising ? step : Math.max(0, receivedAt - last.receivedAt) / 1000;
    return this.#seconds;
  }
}
