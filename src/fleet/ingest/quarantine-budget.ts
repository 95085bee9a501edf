import type { MessageIdentity } from '../store/fleet-message.ts';
import type { Received } from '../check/received.ts';

/** What is kept in each period: messages, and bytes of payloads. */
interface Share {
  readonly messages: number;
  readonly bytes: number;
}

interface Bounds {
  /** of one robot, whatever names of detectors it invents */
  readonly each: Share;
  readonly all: Share;
}

/** Enough to see what is wrong with a sender; the others are only counted. */
const SAMPLES: Bounds = {
  each: { messages: 20, bytes: 2 << 20 },
  all: { messages: 1_000, bytes: 64 << 20 },
};
/** Enough for whatever a robot makes in an hour; what is beyond stays with the robot. */
const WHOLE: Bounds = {
  each: { messages: 2_000, bytes: 16 << 20 },
  all: { messages: 20_000, bytes: 256 << 20 },
};
const PERIOD_MS = 3_600_000;

/**
 * How many wrong messages are kept: whole ones, which are acknowledged, and samples of those that cannot be.
 */
export class QuarantineBudget {
  #samples = new Spent(SAMPLES);
  #whole = new Spent(WHOLE);
  #since = -Infinity;
  readonly #decided = new WeakMap<Received, boolean>();

  /**
   * Whether to keep a message. It is decided once: while the database is away, the same ones are asked about at each
   * try, which must not use up what is there for others.
   * @param nowMs monotonic
   */
  admits(received: Received, identity: MessageIdentity | null, nowMs: number): boolean {
    const known = this.#decided.get(received);
    if (known !== undefined) return known;
    const isAdmitted = this.#spend(received, identity, nowMs);
    this.#decided.set(received, isAdmitted);
    return isAdmitted;
  }

  #spend({ topic, payload }: Received, identity: MessageIdentity | null, nowMs: number): boolean {
    if (nowMs - this.#since >= PERIOD_MS) {
      this.#samples = new Spent(SAMPLES);
      this.#whole = new Spent(WHOLE);
      this.#since = nowMs;
    }
    // the broker holds a robot to these levels of a topic, and to no other
    const [, , site, robot] = topic.split('/', 4);
    return (identity === null ? this.#samples : this.#whole).admits(`${site}/${robot}`, payload.length);
  }
}

/** What of some bounds was used in this period. */
class Spent {
  readonly #bounds: Bounds;
  readonly #each = new Map<string, Counter>();
  readonly #all: Counter = { messages: 0, bytes: 0 };

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  admits(key: string, bytes: number): boolean {
    const own = this.#each.get(key) ?? { messages: 0, bytes: 0 };
    if (!fits(own, bytes, this.#bounds.each) || !fits(this.#all, bytes, this.#bounds.all)) return false;
    this.#each.set(key, own);
    for (const counter of [own, this.#all]) {
      counter.messages += 1;
      counter.bytes += bytes;
    }
    return true;
  }
}

interface Counter {
  messages: number;
  bytes: number;
}

function fits(counter: Counter, bytes: number, share: Share): boolean {
  return counter.messages < share.messages && counter.bytes + bytes <= share.bytes;
}
