/** MQTT 5: another client connected with the same client id. */
const SESSION_TAKEN_OVER = 0x8e;

/** How attempts are spread in time. */
export interface AttemptTiming {
  /** the first attempt after an end comes within this time */
  readonly firstMs: number;
  /** time doubles with every round of failures up to this */
  readonly maxMs: number;
}

/**
 * 10,000 clients that lose a connection at the same moment come back at about 1,000 a second at most, and at 330 a
 * second to a broker that was away for long.
 */
export const BACKOFF: AttemptTiming = { firstMs: 10_000, maxMs: 60_000 };

/** A connection that lasted this long shows that all is well: attempts begin early again after its end. */
const WELL_MS = 60_000;

/**
 * After a take-over, a client that reconnects immediately takes over in turn, and so on forever. This is the first
 * wait, doubled each time up to the maximum.
 */
const TAKEN_OVER_WAIT_MS = 30_000;
const TAKEN_OVER_WAIT_MAX_MS = 300_000;
/** A connection that lasted this long counts as stable: the next take-over starts over. */
const SETTLED_MS = 2 * TAKEN_OVER_WAIT_MAX_MS;

/**
 * MQTT 3.1.1 does not report a take-over: this many connections in a row that were accepted and soon closed without a
 * reason are taken for one.
 */
const SILENT_ENDS = 3;
const SOON_MS = 60_000;

/** How a connection ended. */
export interface LinkEnd {
  /** of the broker's DISCONNECT; null if there was none */
  readonly reasonCode: number | null;
  /** closed by the broker without an error or a reason */
  readonly isSilent: boolean;
}

export interface ReconnectStep {
  /** `said`: reported by the broker; `likely`: by the pattern of disconnects; null: not a take-over */
  readonly takenOver: 'said' | 'likely' | null;
  /** how long the connection was up; null for a failed attempt */
  readonly upMs: number | null;
  readonly waitMs: number;
}

/**
 * Distinguishes take-overs from a broker that is away, and decides how long to wait before the next attempt. Knows no
 * sockets and no clock.
 */
export class ReconnectPlan {
  readonly #random: () => number;
  readonly #backoff: AttemptTiming;
  readonly #brokers: number;
  #failures = 0;
  #upAt: number | null = null;
  #silentEnds = 0;
  #takeOvers = 0;

  /**
   * @param brokers how many are tried in turn
   * @param random from 0 to 1: clients that lost a connection together should not return together
   */
  constructor(brokers = 1, backoff: AttemptTiming = BACKOFF, random: () => number = Math.random) {
    this.#brokers = brokers;
    this.#backoff = backoff;
    this.#random = random;
  }

  /** The broker accepted the connection. @param nowMs monotonic */
  noteUp(nowMs: number): void {
    this.#upAt = nowMs;
  }

  /** The connection, or the attempt, has ended. @param nowMs monotonic */
  noteEnd(end: LinkEnd, nowMs: number): ReconnectStep {
    const upMs = this.#upAt === null ? null : nowMs - this.#upAt;
    this.#upAt = null;
    if (upMs !== null && upMs >= SETTLED_MS) this.#takeOvers = 0;
    const takenOver = this.#judge(end, upMs);
    if (upMs !== null && upMs >= WELL_MS) this.#failures = 0;
    if (takenOver === null) return { takenOver, upMs, waitMs: this.#random() * this.#nextWindowMs() };
    this.#takeOvers += 1;
    const wait = Math.min(TAKEN_OVER_WAIT_MAX_MS, TAKEN_OVER_WAIT_MS * 2 ** (this.#takeOvers - 1));
    return { takenOver, upMs, waitMs: wait * (1 + this.#random() / 2) };
  }

  #nextWindowMs(): number {
    const round = Math.floor(this.#failures / this.#brokers);
    this.#failures += 1;
    return Math.min(this.#backoff.maxMs, this.#backoff.firstMs * 2 ** round);
  }

  #judge({ reasonCode, isSilent }: LinkEnd, upMs: number | null): ReconnectStep['takenOver'] {
    if (reasonCode === SESSION_TAKEN_OVER) return 'said';
    // A failed attempt, or an end with a reason, is caused by the broker or the network.
    const isSuspect = isSilent && upMs !== null && (upMs < SOON_MS || this.#takeOvers > 0);
    this.#silentEnds = isSuspect ? this.#silentEnds + 1 : 0;
    if (!isSuspect) return null;
    return this.#silentEnds >= SILENT_ENDS || this.#takeOvers > 0 ? 'likely' : null;
  }
}
