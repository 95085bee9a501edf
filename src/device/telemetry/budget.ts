import type { Stream } from '../../contract/telemetry/streams.ts';
import type { Clock } from '../../platform/clock.ts';

/** What may be published at the moment: everything, a thinned state now and then, or nothing until the next day. */
export type Allowance = 'all' | 'thinned' | 'nothing';

/** Share of the day's bytes that is spent freely. */
const FREE_SHARE = 0.75;

/** Streams that may use all of the day's bytes. */
const RESERVED: ReadonlySet<Stream> = new Set<Stream>(['state', 'gap']);

/** Between states that are published while the rest of the day's bytes is saved. */
const THINNED_MS = 300_000;

/** Decides what a number of bytes a day allows. */
export class Budget {
  readonly #bytesPerDay: number;
  readonly #used: () => number;
  readonly #clock: Clock;
  #nextStateMs = 0;
  /** used bytes at which a state did not fit any more */
  #spentAt = Infinity;

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
    if (this.freeLeft > 0) return 'all';
    return this.#leftOf(1) > 0 && this.#used() < this.#spentAt ? 'thinned' : 'nothing';
  }

  /** The least urgent streams that may be published now, as a priority; negative for none. */
  get maxPriority(): number {
    const { allowance } = this;
    if (allowance === 'all') return Infinity;
    return allowance === 'thinned' && this.#clock.monotonicMs() >= this.#nextStateMs ? STATE_PRIORITY : -1;
  }

  /**
   * Whether a message may be published without going beyond what its stream may use of the day: states and gaps all of
   * it, others the share that is spent freely.
   * @param bytes of topic and payload
   */
  affords(stream: Stream, bytes: number): boolean {
    if (!RESERVED.has(stream)) return bytes <= this.freeLeft;
    const isAffordable = bytes <= this.#leftOf(1);
    if (!isAffordable && stream === 'state') this.#spentAt = this.#used();
    return isAffordable;
  }

  /** Bytes that messages of any kind may still use today; can be negative. */
  get freeLeft(): number {
    return this.#leftOf(FREE_SHARE);
  }

  /** Bytes that messages of any kind may use in a day. */
  get freeBytes(): number {
    return this.#bytesPerDay === 0 ? Infinity : FREE_SHARE * this.#bytesPerDay;
  }

  #leftOf(share: number): number {
    return this.#bytesPerDay === 0 ? Infinity : share * this.#bytesPerDay - this.#used();
  }

  noteState(): void {
    this.#nextStateMs = this.#clock.monotonicMs() + THINNED_MS;
  }
}

/** Streams up to this priority are published, thinned, while bytes are saved. */
export const STATE_PRIORITY = 1;
