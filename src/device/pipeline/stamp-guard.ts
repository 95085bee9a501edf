import type { DropReason } from '../../contract/drops.ts';
import type { Stamp } from '../../core/frame.ts';
import { StampHistory } from './stamp-history.ts';
import { clocksAgree } from '../../core/clocks-agree.ts';

/**
 * What happens to stamps that repeat or step back. `drop`: they are refused. `accept`: frames pass in order of arrival.
 * `auto`: they pass if that is normal for the source, that is, with simulated time, with stamps that were never those
 * of the local clock (a recording), and with a source that loops; otherwise they are refused, since they mean that a
 * driver hangs.
 */
export type RepeatedStamps = 'auto' | 'accept' | 'drop';

/** How far a stamp may be from the clock, milliseconds; 0 turns a check off. */
export interface StampLimits {
  readonly staleMs: number;
  readonly futureMs: number;
  /** default `drop` */
  readonly repeated?: RepeatedStamps;
  /** true while the clock that stamps frames is simulated; queried for `auto` */
  readonly isTimeSimulated?: () => boolean;
}

/** a larger step back may be a new timeline: a recording that starts over, a clock that was set */
const NEW_TIMELINE_SECONDS = 1;
/** a larger step ahead, beyond the time that has passed, may be one as well, or just a wrong stamp */
const FAR_AHEAD_SECONDS = 60;
/** steadily increasing stamps after which a new timeline is believed */
const NEW_TIMELINE_FRAMES = 3;

/** True for the stamp of a driver that sets none. */
export function isUnset(stamp: Stamp): boolean {
  return stamp.sec === 0 && stamp.nanosec === 0;
}

/** Milliseconds from a stamp to now; negative for one in the future, `NaN` if the driver set none. */
export function stampAge(stamp: Stamp, wallMs: number): number {
  return isUnset(stamp) ? Number.NaN : wallMs - (stamp.sec * 1000 + stamp.nanosec / 1e6);
}

/** Seconds from `b` to `a`; exact to the nanosecond for stamps close together. */
export function secondsBetween(a: Stamp, b: Stamp): number {
  return a.sec - b.sec + (a.nanosec - b.nanosec) * 1e-9;
}

/**
 * Checks the stamps of one camera. Repeated and regressed stamps are refused, since trackers and consumers that pair
 * results with images rely on their order; so is a stamp far ahead of the others, after which every correct one would
 * count as regressed. After a step back of more than a second, or ahead of more than a minute beyond the time that
 * passed, the third of three increasing stamps starts a new timeline (`clockResets`), so a looping recording does not
 * go silent. If repeated stamps are accepted, the first step back of more than a second starts one. A stamp of zero
 * means that the driver sets none: such frames pass unchecked.
 */
export class StampGuard {
  readonly #limits: StampLimits;
  #last: Stamp | null = null;
  /** when the last accepted stamp arrived, monotonic milliseconds */
  #lastAt = 0;
  #candidate: Stamp | null = null;
  #candidateFrames = 0;
  #clockResets = 0;
  /** the newest increasing stamp was not of the local clock: it comes from a recording */
  #isRecorded = false;
  readonly #history = new StampHistory();

  constructor(limits: StampLimits) {
    this.#limits = limits;
  }

  /** how often a new timeline was accepted */
  get clockResets(): number {
    return this.#clockResets;
  }

  /**
   * The reason to refuse a frame with this stamp, or `null`.
   * @param wallMs now, on the clock that stamps frames, ms since the epoch
   * @param monotonicMs when the frame arrived
   */
  judge(stamp: Stamp, wallMs: number, monotonicMs: number): DropReason | null {
    if (isUnset(stamp)) return null;
    const ageMs = stampAge(stamp, wallMs);
    if (this.#limits.staleMs > 0 && ageMs > this.#limits.staleMs) return 'stamp_stale';
    if (this.#limits.futureMs > 0 && -ageMs > this.#limits.futureMs) return 'stamp_future';
    if (this.#limits.repeated === 'auto') this.#history.note(stamp);
    const isRecorded = !clocksAgree(ageMs);
    if (this.#last === null) return this.#accept(stamp, monotonicMs, isRecorded);
    const step = secondsBetween(stamp, this.#last);
    const passed = (monotonicMs - this.#lastAt) / 1000;
    if (step > passed + FAR_AHEAD_SECONDS)
      return this.#judgeNewTimeline(stamp, monotonicMs, isRecorded, 'stamp_future');
    if (step > 0) return this.#accept(stamp, monotonicMs, isRecorded);
    if (this.#takesRepeated()) {
      if (step <= -NEW_TIMELINE_SECONDS) this.#clockResets += 1;
      return this.#accept(stamp, monotonicMs, this.#isRecorded);
    }
    if (step === 0) return 'stamp_repeated';
    if (step > -NEW_TIMELINE_SECONDS) return 'stamp_regressed';
    return this.#judgeNewTimeline(stamp, monotonicMs, isRecorded, 'stamp_regressed');
  }

  #takesRepeated(): boolean {
    const { repeated = 'drop', isTimeSimulated } = this.#limits;
    if (repeated !== 'auto') return repeated === 'accept';
    return this.#isRecorded || this.#history.isLooping || isTimeSimulated?.() === true;
  }

  #accept(stamp: Stamp, monotonicMs: number, isRecorded: boolean): null {
    this.#isRecorded = isRecorded;
    this.#last = stamp;
    this.#lastAt = monotonicMs;
    this.#candidate = null;
    return null;
  }

  #judgeNewTimeline(
    stamp: Stamp,
    monotonicMs: number,
    isRecorded: boolean,
    reason: 'stamp_future' | 'stamp_regressed',
  ): DropReason | null {
    const step = this.#candidate === null ? 0 : secondsBetween(stamp, this.#candidate);
    if (this.#candidate !== null && step === 0) return 'stamp_repeated';
    const isSteady = step > 0 && step <= FAR_AHEAD_SECONDS;
    this.#candidateFrames = isSteady ? this.#candidateFrames + 1 : 1;
    this.#candidate = stamp;
    if (this.#candidateFrames < NEW_TIMELINE_FRAMES) return reason;
    this.#clockResets += 1;
    return this.#accept(stamp, monotonicMs, isRecorded);
  }
}
