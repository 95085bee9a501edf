import type { DropReason } from '../../contract/drops.ts';
import type { Stamp } from '../../core/frame.ts';

/** How far a stamp may be from the clock, milliseconds; 0 turns a check off. */
export interface StampLimits {
  readonly staleMs: number;
  readonly futureMs: number;
}

/** a step back by more than this may be a new time line: a recording that starts again, a clock that was set */
const NEW_TIMELINE_SECONDS = 1;
/** steadily increasing stamps that make a new time line believable */
const NEW_TIMELINE_FRAMES = 3;

/** True for the stamp of a driver that sets none. */
export function isUnset(stamp: Stamp): boolean {
  return stamp.sec === 0 && stamp.nanosec === 0;
}

/** Seconds from `b` to `a`; exact to the nanosecond for stamps close together. */
function secondsBetween(a: Stamp, b: Stamp): number {
  return a.sec - b.sec + (a.nanosec - b.nanosec) * 1e-9;
}

/**
 * Judges the stamps of one camera. Repeated and regressed stamps are refused, since trackers and consumers that pair results with
 * pictures rely on their order. After a step back of more than a second, the third of three increasing stamps opens a new time line
 * (`clockResets`), so a looping recording does not go silent. A stamp of zero means that the driver sets none: such frames pass unjudged.
 */
export class StampGuard {
  readonly #limits: StampLimits;
  #last: Stamp | null = null;
  #candidate: Stamp | null = null;
  #candidateFrames = 0;
  #clockResets = 0;

  constructor(limits: StampLimits) {
    this.#limits = limits;
  }

  /** how often a new time line was accepted */
  get clockResets(): number {
    return this.#clockResets;
  }

  /** The reason to refuse a frame with this stamp, or `null`. @param wallMs the stamping clock's now, ms since the epoch */
  judge(stamp: Stamp, wallMs: number): DropReason | null {
    if (isUnset(stamp)) return null;
    const ageMs = wallMs - (stamp.sec * 1000 + stamp.nanosec / 1e6);
    if (this.#limits.staleMs > 0 && ageMs > this.#limits.staleMs) return 'stamp_stale';
    if (this.#limits.futureMs > 0 && -ageMs > this.#limits.futureMs) return 'stamp_future';
    if (this.#last === null) return this.#accept(stamp);
    const step = secondsBetween(stamp, this.#last);
    if (step > 0) return this.#accept(stamp);
    if (step === 0) return 'stamp_repeated';
    if (step > -NEW_TIMELINE_SECONDS) return 'stamp_regressed';
    return this.#judgeNewTimeline(stamp);
  }

  #accept(stamp: Stamp): null {
    this.#last = stamp;
    this.#candidate = null;
    return null;
  }

  #judgeNewTimeline(stamp: Stamp): DropReason | null {
    const step = this.#candidate === null ? 0 : secondsBetween(stamp, this.#candidate);
    if (this.#candidate !== null && step === 0) return 'stamp_repeated';
    this.#candidateFrames = step > 0 ? this.#candidateFrames + 1 : 1;
    this.#candidate = stamp;
    if (this.#candidateFrames < NEW_TIMELINE_FRAMES) return 'stamp_regressed';
    this.#clockResets += 1;
    return this.#accept(stamp);
  }
}
