import type { TelemetryCounts } from './protocol.ts';

/** A message that waits for the broker, with the number its topic gave it. */
export interface Waiting<Body> {
  readonly headerId: number;
  readonly timestamp: string;
  readonly body: Body;
}

/**
 * The bounded queue of one stream, in memory. When it is full the oldest message goes and is counted: state
 * is worthless once a newer one is there, and a lost metrics window is declared as a gap. A durable outbox on
 * disk takes this class's place behind the same four calls.
 */
export class Outbox<Body> {
  readonly #waiting: Waiting<Body>[] = [];
  readonly #capacity: number;
  #produced = 0;
  #delivered = 0;
  #dropped = 0;
  #undeclared = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Gives the message the next number of its stream and lets it wait. */
  put(body: Body, timestamp: string): void {
    this.#waiting.push({ headerId: this.#produced, timestamp, body });
    this.#produced += 1;
    if (this.#waiting.length > this.#capacity) {
      this.#waiting.shift();
      this.#dropped += 1;
      this.#undeclared += 1;
    }
  }

  /** Counts a message that was made and could not be put here, under the number that it would have had. */
  lose(): void {
    this.#produced += 1;
    this.#dropped += 1;
    this.#undeclared += 1;
  }

  /** The oldest message, taken out: the caller says `delivered` or `failed` of it. */
  take(): Waiting<Body> | undefined {
    return this.#waiting.shift();
  }

  delivered(): void {
    this.#delivered += 1;
  }

  /** A taken message goes back to the front, or is dropped and counted if newer ones filled the queue. */
  failed(message: Waiting<Body>): void {
    if (this.#waiting.length < this.#capacity) {
      this.#waiting.unshift(message);
      return;
    }
    this.#dropped += 1;
    this.#undeclared += 1;
  }

  /**
   * Drops that no delivered message has declared yet. The caller gives them back with `undeclare` if its
   * message fails.
   */
  takeGaps(): number {
    const gaps = this.#undeclared;
    this.#undeclared = 0;
    return gaps;
  }

  undeclare(gaps: number): void {
    this.#undeclared += gaps;
  }

  counts(): TelemetryCounts {
    return {
      produced: this.#produced,
      delivered: this.#delivered,
      dropped: this.#dropped,
      waiting: this.#produced - this.#delivered - this.#dropped,
    };
  }
}
