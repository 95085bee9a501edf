/** Frames of all cameras since start. */
export interface LoadCounts {
  readonly received: number;
  /** dropped because a newer frame arrived before the engine had room */
  readonly superseded: number;
  readonly published: number;
}

/** Which of the two settings runs. */
export type SettingRole = 'latency' | 'throughput';

/**
 * What to do now: `prepare` the throughput setting in the background, move to one of the settings, or release
 * the prepared one (`release`) because the pressure has passed.
 */
export type LoadAdvice = 'stay' | 'prepare' | 'release' | SettingRole;

/** milliseconds without a superseded frame that end a spell of them */
const GAP_MS = 750;
/** a spell of this length prepares the other sessions */
const PREPARE_MS = 1000;
/** a spell of this length triggers the move */
const MOVE_MS = 2000;
/** the share of frames that must be superseded in a spell for it to count */
const MIN_SHARE = 0.02;
/** prepared sessions are kept for this long after the last spell */
const KEEP_PREPARED_MS = 30_000;
/** milliseconds over which rates are measured */
const RATE_MS = 2000;
/** time that a setting gets to prove itself */
const PROOF_MS = 5000;
/**
 * share of the earlier rate that the throughput setting must reach under pressure to be kept, depending on
 * whether it was measured to be faster
 */
const KEPT_SHARE = { proven: 0.95, unproven: 1.05 };
/** a move back is possible below this share of the rate that the latency setting sustained */
const BACK_SHARE = 0.7;
const FIRST_BACK_MS = 10_000;
const FIRST_HOLD_OFF_MS = 60_000;
const LONGEST_MS = 600_000;
/** if pressure returns sooner than this after a move back, the move was too early */
const TOO_EARLY_MS = 60_000;

interface Sample extends LoadCounts {
  readonly at: number;
}

/**
 * Watches the frames and decides when another setting should run. Under pressure it moves after two seconds.
 * It moves back slowly, and each time it did so too early the next move back takes twice as long, to prevent
 * flapping. Times are monotonic milliseconds. Call `sample` a few times per second.
 */
export class LoadWatch {
  readonly #keptShare: number;
  #role: SettingRole = 'latency';
  #samples: Sample[] = [];
  /** first and last time that superseded frames were seen in the current spell, and the counts before it */
  #spell: { readonly from: Sample; last: number } | null = null;
  #isPrepared = false;
  #lastPressure = -Infinity;
  #movedAt = -Infinity;
  #cameBackAt = -Infinity;
  /** frames per second that the latency setting published under pressure */
  #sustained = 0;
  #lowSince: number | null = null;
  #backMs = FIRST_BACK_MS;
  #holdOffMs = FIRST_HOLD_OFF_MS;
  #notBefore = -Infinity;
  #notBackBefore = -Infinity;
  #why = '';

  /** @param isProven whether the throughput setting was measured to be faster; otherwise it has to prove it */
  constructor(isProven: boolean) {
    this.#keptShare = isProven ? KEPT_SHARE.proven : KEPT_SHARE.unproven;
  }

  /** the reason for the latest advice to move, in words */
  get why(): string {
    return this.#why;
  }

  /**
   * Takes the counters and returns what to do. Advice to move is repeated until `moved` or `failed` is
   * called.
   */
  sample(now: number, counts: LoadCounts): LoadAdvice {
    this.#note({ at: now, ...counts });
    return this.#role === 'latency' ? this.#adviseUp(now, counts) : this.#adviseBack(now, counts);
  }

  /** Reports that the engine now runs in this setting. */
  moved(now: number, role: SettingRole): void {
    if (role === 'latency') this.#cameBackAt = now;
    else if (now - this.#cameBackAt < TOO_EARLY_MS) this.#backMs = Math.min(LONGEST_MS, 2 * this.#backMs);
    this.#role = role;
    this.#movedAt = now;
    this.#isPrepared = false;
    this.#lowSince = null;
    this.#spell = null;
  }

  /**
   * Reports that the other setting could not be started. It is not tried again for a while, longer each time.
   */
  failed(now: number): void {
    this.#isPrepared = false;
    if (this.#role === 'latency') this.#holdOff(now);
    else this.#notBackBefore = now + FIRST_HOLD_OFF_MS;
  }

  #note(sample: Sample): void {
    const before = this.#samples.at(-1) ?? sample;
    this.#samples.push(sample);
    while (sample.at - (this.#samples[1]?.at ?? Infinity) >= RATE_MS) this.#samples.shift();
    if (sample.superseded > before.superseded) {
      this.#spell ??= { from: before, last: sample.at };
      this.#spell.last = sample.at;
    } else if (this.#spell !== null && sample.at - this.#spell.last > GAP_MS) this.#spell = null;
  }

  #adviseUp(now: number, counts: LoadCounts): LoadAdvice {
    const lasted = this.#pressureMs(counts);
    if (lasted >= PREPARE_MS) this.#lastPressure = now;
    if (now - Math.max(this.#lastPressure, this.#movedAt) > LONGEST_MS) this.#backMs = FIRST_BACK_MS;
    if (now < this.#notBefore) return 'stay';
    if (lasted >= MOVE_MS) {
      this.#sustained = this.#rate('published');
      this.#why =
        `frames were superseded for ${(lasted / 1000).toFixed(1)} s at ` +
        `${this.#rate('received').toFixed(1)} frames per second`;
      return 'throughput';
    }
    if (lasted >= PREPARE_MS) {
      this.#isPrepared = true;
      return 'prepare';
    }
    if (!this.#isPrepared || now - this.#lastPressure < KEEP_PREPARED_MS) return 'stay';
    this.#isPrepared = false;
    return 'release';
  }

  #adviseBack(now: number, counts: LoadCounts): LoadAdvice {
    if (now < this.#notBackBefore) return 'stay';
    const since = now - this.#movedAt;
    const offered = this.#rate('received');
    if (since >= PROOF_MS && this.#pressureMs(counts) >= MOVE_MS && this.#isNoBetter()) {
      this.#why =
        `it published ${this.#rate('published').toFixed(1)} frames per second, no more than the ` +
        `${this.#sustained.toFixed(1)} before`;
      this.#holdOff(now);
      return 'latency';
    }
    if (since < RATE_MS || offered >= BACK_SHARE * this.#sustained) {
      this.#lowSince = null;
      return 'stay';
    }
    this.#lowSince ??= now;
    const low = now - this.#lowSince;
    if (low < this.#backMs) return 'stay';
    this.#why =
      `${offered.toFixed(1)} frames per second arrived for ${(low / 1000).toFixed(0)} s, and ` +
      `the latency setting sustained ${this.#sustained.toFixed(1)}`;
    return 'latency';
  }

  #isNoBetter(): boolean {
    return this.#rate('published') < this.#keptShare * this.#sustained;
  }

  #holdOff(now: number): void {
    if (now < this.#notBefore) return;
    this.#notBefore = now + this.#holdOffMs;
    this.#holdOffMs = Math.min(LONGEST_MS, 2 * this.#holdOffMs);
  }

  /** How long frames have been superseded, including gaps of less than a second; 0 if only a few were. */
  #pressureMs({ received, superseded }: LoadCounts): number {
    if (this.#spell === null) return 0;
    const { from, last } = this.#spell;
    const share = (superseded - from.superseded) / Math.max(1, received - from.received);
    return share < MIN_SHARE ? 0 : last - from.at;
  }

  /** Frames per second over the last two seconds. */
  #rate(name: keyof LoadCounts): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    return ((last[name] - first[name]) * 1000) / (last.at - first.at);
  }
}
