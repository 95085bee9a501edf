/** MQTT 5: another client connected with the same client id. */
const SESSION_TAKEN_OVER = 0x8e;

const RETRY_MIN_MS = 1_000;
const RETRY_JITTER_MS = 2_000;

/**
 * After a take-over whoever comes back at once takes over in turn, and so for ever: the first wait, doubled
 * each time up to the last.
 */
const TAKEN_OVER_WAIT_MS = 30_000;
const TAKEN_OVER_WAIT_MAX_MS = 300_000;
/** A connection that stood for this long ends the story: the next take-over is a first one. */
const SETTLED_MS = 2 * TAKEN_OVER_WAIT_MAX_MS;

/**
 * MQTT 3.1.1 has no words for a take-over: so many connections in a row that were accepted, and soon closed
 * in silence, are one.
 */
const SILENT_ENDS = 3;
const SOON_MS = 60_000;

/** How a connection ended. */
export interface LinkEnd {
  /** of the broker's DISCONNECT; null where there was none */
  readonly reasonCode: number | null;
  /** closed by the other side without an error or a word */
  readonly isSilent: boolean;
}

export interface ReconnectStep {
  /** `said`: by the broker; `likely`: by the pattern of the closings; null: it is none */
  readonly takenOver: 'said' | 'likely' | null;
  readonly waitMs: number;
}

/**
 * Tells take-overs from a broker that is away, and how long to wait before the next attempt. Knows no sockets
 * and no clock.
 */
export class ReconnectPlan {
  readonly #random: () => number;
  #upAt: number | null = null;
  #silentEnds = 0;
  #takeOvers = 0;

  /** @param random from 0 to 1: clients that lost one connection together should not come back together */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** The broker accepted the connection. @param nowMs monotonic */
  noteUp(nowMs: number): void {
    this.#upAt = nowMs;
  }

  /** The connection, or the attempt, is over. @param nowMs monotonic */
  noteEnd(end: LinkEnd, nowMs: number): ReconnectStep {
    const upMs = this.#upAt === null ? null : nowMs - this.#upAt;
    this.#upAt = null;
    if (upMs !== null && upMs >= SETTLED_MS) this.#takeOvers = 0;
    const takenOver = this.#judge(end, upMs);
    if (takenOver === null) {
      return { takenOver, waitMs: RETRY_MIN_MS + this.#random() * RETRY_JITTER_MS };
    }
    this.#takeOvers += 1;
    const wait = Math.min(TAKEN_OVER_WAIT_MAX_MS, TAKEN_OVER_WAIT_MS * 2 ** (this.#takeOvers - 1));
    return { takenOver, waitMs: wait * (1 + this.#random() / 2) };
  }

  #judge({ reasonCode, isSilent }: LinkEnd, upMs: number | null): ReconnectStep['takenOver'] {
    if (reasonCode === SESSION_TAKEN_OVER) return 'said';
    // An attempt that fails, or an end with a reason, is the broker's or the network's doing.
    const isSuspect = isSilent && upMs !== null && (upMs < SOON_MS || this.#takeOvers > 0);
    this.#silentEnds = isSuspect ? this.#silentEnds + 1 : 0;
    if (!isSuspect) return null;
    return this.#silentEnds >= SILENT_ENDS || this.#takeOvers > 0 ? 'likely' : null;
  }
}
