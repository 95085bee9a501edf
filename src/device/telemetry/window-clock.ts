import type { Clock } from '../../platform/clock.ts';

/** A wall clock that differs from what the monotonic one expects by more than this was set. */
const STEP_MS = 1_000;

/** A window ends this long before it is sent: what arrives later is late. */
export const LATENESS_MS = 1_000;

/** Wall time that goes on evenly: when somebody sets the clock, it goes on as before until `read` reports the step. */
export class WindowClock {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  #wallMs: number;
  #monotonicMs: number;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'wallMs'>) {
    this.#clock = clock;
    this.#wallMs = clock.wallMs();
    this.#monotonicMs = clock.monotonicMs();
  }

  /** Milliseconds since the epoch, as if nobody had set the clock since the last `read`. */
  get nowMs(): number {
    return this.#wallMs + this.#clock.monotonicMs() - this.#monotonicMs;
  }

  /**
   * Follows the wall clock.
   * @returns now before the step, and by how much the clock was set; 0 for small corrections, followed at once
   */
  read(): { readonly nowMs: number; readonly stepMs: number } {
    const expected = this.nowMs;
    const wall = this.#clock.wallMs();
    this.#wallMs = wall;
    this.#monotonicMs = this.#clock.monotonicMs();
    const stepMs = wall - expected;
    return Math.abs(stepMs) > STEP_MS ? { nowMs: expected, stepMs } : { nowMs: wall, stepMs: 0 };
  }
}
