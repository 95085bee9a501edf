import { clocksAgree } from '../../core/clocks-agree.ts';
import type { Stamp } from '../../core/frame.ts';
import { stampAge } from '../pipeline/stamp-guard.ts';

/** Stamps that are remembered, at most. */
const MAX_STAMPS = 4096;

/** Tells to which time the frames of one camera belong, and counts the late ones and those whose stamp repeats. */
export class FrameTimes {
  #late = 0;
  #duplicate = 0;
  /** microseconds, oldest first */
  readonly #stamps = new Set<number>();

  /**
   * Milliseconds of the frame's stamp on the clock of the windows; null if the frame counts as it arrives: its window
   * is over, or stamps and the clock do not agree.
   * @param startMs start of the oldest open window
   * @param nowMs the clock of the windows
   */
  place(stamp: Stamp, startMs: number, nowMs: number): number | null {
    const ageMs = stampAge(stamp, nowMs);
    if (!clocksAgree(ageMs)) return null;
    if (this.#isKnown(stamp)) this.#duplicate += 1;
    const stampMs = nowMs - ageMs;
    if (stampMs >= startMs) return stampMs;
    this.#late += 1;
    return null;
  }

  /** The counts since the last call. */
  take(): { readonly late: number; readonly duplicate: number } {
    const taken = { late: this.#late, duplicate: this.#duplicate };
    this.#late = 0;
    this.#duplicate = 0;
    return taken;
  }

  #isKnown({ sec, nanosec }: Stamp): boolean {
    const key = sec * 1e6 + Math.floor(nanosec / 1000);
    if (this.#stamps.has(key)) return true;
    this.#stamps.add(key);
    const [oldest] = this.#stamps;
    if (this.#stamps.size > MAX_STAMPS && oldest !== undefined) this.#stamps.delete(oldest);
    return false;
  }
}
