import { describeError } from '../../contract/errors.ts';
import { Pace } from '../../core/pace.ts';
import type { Clock } from '../../platform/clock.ts';

/** Between lines: a fault that repeats every second must not flood the log. */
const INTERVAL_MS = 60_000;

/** Logs faults that nothing expects, and that must not end the thread: the first at once, then how many there were. */
export class FaultLog {
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  readonly #pace = new Pace(INTERVAL_MS);

  constructor(clock: Clock, log: (line: string) => void) {
    this.#clock = clock;
    this.#log = log;
  }

  note(error: unknown): void {
    const heldBack = this.#pace.admit('', this.#clock.monotonicMs());
    if (heldBack === null) return;
    const more = heldBack === 0 ? '' : ` (and ${String(heldBack)} faults before it)`;
    this.#log(`${describeError(error)}${more}`);
  }
}
