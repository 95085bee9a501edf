import type { Clock } from '../../platform/clock.ts';

/** What may be published at the moment: everything, a thinned state now and then, or nothing until the next day. */
export type Allowance = 'all' | 'thinned' | 'nothing';

/** Share of the day's bytes that is spent freely. */
const FREE_SHARE = 0.75;

/** Between states that are published while the rest of the day's bytes is saved. */
const THINNED_MS = 300_000;

/** Decides what a number of bytes a day allows. */
export class Budget {
  readonly #bytesPerDay: number;
  readonly #used: () => number;
  readonly #clock: Clock;
  #nextStateMs = 0;

  /**
   * @param bytesPerDay 0 for no limit
   * @param used bytes that were published today
   */
  constructor(bytesPerDay: number, used: () => number, clock: Clock) {
    this.#bytesPerDay = bytesPerDay;
    this.#used = used;
    this.#clock = clock;
  }

  get allowance(): Allowance {
    if (this.#bytesPerDay === 0) return 'all';
    const used = this.#used();
    if (used < FREE_SHARE * this.#bytesPerDay) return 'all';
    return used < this.#bytesPerDay ? 'thinned' : 'nothing';
  }

  /** The least urgent streams that may be published now, as a priority; negative for none. */
  get maxPriority(): number {
    const { allowance } = this;
    if (allowance === 'all') return Infinity;
    return allowance === 'thinned' && this.#clock.monotonicMs() >= this.#nextStateMs ? STATE_PRIORITY : -1;
  }

  noteState(): void {
    this.#nextStateMs = this.#clock.monotonicMs() + THINNED_MS;
  }
}

/** Streams up to this priority are published, thinned, while bytes are saved. */
export const STATE_PRIORITY = 1;
