/** Frames of all cameras since start. */
export interface LoadCounts {
  readonly received: number;
  /** dropped because a newer frame came before the engine had room */
  readonly superseded: number;
  readonly published: number;
}

/** Which of the two settings runs. */
export type SettingRole = 'latency' | 'throughput';

/**
 * What should be done now: `prepare` the throughput setting in the background, move to one of the settings,
 * or let what was prepared go (`release`), since the pressure has passed.
 */
export type LoadAdvice = 'stay' | 'prepare' | 'release' | SettingRole;

/** milliseconds without a superseded frame that end a spell of them */
const GAP_MS = 750;
/** a spell of this length makes the other sessions ready */
const PREPARE_MS = 1000;
/** a spell of this length moves */
const MOVE_MS = 2000;
/** the share of frames that must be superseded in a spell for it to count */
const MIN_SHARE = 0.02;
/** what was prepared is kept for this long after the last spell */
const KEEP_PREPARED_MS = 30_000;
/** milliseconds over which rates are taken */
const RATE_MS = 2000;
/** a setting has had time to show what it can do */
const PROOF_MS = 5000;
/**
 * under pressure, what a setting that was measured to be faster must give of the earlier rate to be kept, and
 * what one that was not
 */
const KEPT_SHARE = { measured: 0.95, unmeasured: 1.05 };
/** the way back is open below this share of what the latency setting sustained */
const BACK_SHARE = 0.7;
const FIRST_BACK_MS = 10_000;
const FIRST_HOLD_OFF_MS = 60_000;
const LONGEST_MS = 600_000;
/** a return to pressure sooner than this after the way back means that it was taken too early */
const TOO_EARLY_MS = 60_000;

interface Sample extends LoadCounts {
  readonly at: number;
}

/**
 * Watches the frames and says when another setting should run. Under pressure it moves after two seconds; the
 * way back is slow, and each time it turns out to have been taken too early the next one takes twice as long,
 * so that it never flaps. Times are monotonic milliseconds. `sample` wants to be called a few times a second.
 */
export class LoadWatch {
  readonly #keptShare: number;
  #role: SettingRole = 'latency';
  #samples: Sample[] = [];
  /** first and last sight of superseded frames in the spell that lasts, and what was counted before it */
  #spell: { readonly from: Sample; last: number } | null = null;
  #isPrepared = false;
  #lastPressure = -Infinity;
  #movedAt = -Infinity;
  #cameBackAt = -Infinity;
  /** frames a second that the latency setting published under pressure */
  #sustained = 0;
  #lowSince: number | null = null;
  #backMs = FIRST_BACK_MS;
  #holdOffMs = FIRST_HOLD_OFF_MS;
  #notBefore = -Infinity;
  #notBackBefore = -Infinity;
  #why = '';

  /** @param isMeasured whether the throughput setting was measured to be faster; otherwise it has to prove it */
  constructor(isMeasured: boolean) {
    this.#keptShare = isMeasured ? KEPT_SHARE.measured : KEPT_SHARE.unmeasured;
  }

  /** the reason of the latest advice to move, for people */
  get why(): string {
    return this.#why;
  }

  /**
   * Takes the counters and says what should be done. Advice to move is repeated until `moved` or `failed` is
   * called.
   */
  sample(now: number, counts: LoadCounts): LoadAdvice {
    this.#note({ at: now, ...counts });
    return this.#role === 'latency' ? this.#adviseUp(now, counts) : this.#adviseBack(now, counts);
  }

  /** The engine runs in this setting now. */
  moved(now: number, role: SettingRole): void {
    if (role === 'latency') this.#cameBackAt = now;
    else if (now - this.#cameBackAt < TOO_EARLY_MS) this.#backMs = Math.min(LONGEST_MS, 2 * this.#backMs);
    this.#role = role;
    this.#movedAt = now;
    this.#isPrepared = false;
    this.#lowSince = null;
    this.#spell = null;
  }

  /** The other setting could not be had: it is left alone for a while, for longer each time. */
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
        `${this.#rate('received').toFixed(1)} frames a second`;
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
        `it gave ${this.#rate('published').toFixed(1)} frames a second, no more than the ` +
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
      `${offered.toFixed(1)} frames a second came in for ${(low / 1000).toFixed(0)} s, where ` +
      `the setting for latency sustained ${this.#sustained.toFixed(1)}`;
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

  /** How long frames have been superseded, gaps of less than a second included; 0 where it is only a few. */
  #pressureMs({ received, superseded }: LoadCounts): number {
    if (this.#spell === null) return 0;
    const { from, last } = this.#spell;
    const share = (superseded - from.superseded) / Math.max(1, received - from.received);
    return share < MIN_SHARE ? 0 : last - from.at;
  }

  /** Frames a second over the last two seconds. */
  #rate(name: keyof LoadCounts): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    return ((last[name] - first[name]) * 1000) / (last.at - first.at);
  }
}
