import type { TelemetryCounts } from './protocol.ts';

/** A message that waits for the broker, with its number within the topic. */
export interface Waiting {
  readonly headerId: number;
  readonly timestamp: string;
  readonly body: object;
}

/**
 * The bounded queue of one stream, in memory. When it is full, the oldest message is dropped and counted. The owner
 * declares drops as gaps; `produced = delivered + dropped + waiting` is always true, where a taken message counts as
 * waiting.
 */
export class Outbox {
  readonly #waiting: Waiting[] = [];
  readonly #capacity: number;
  #produced = 0;
  #delivered = 0;
  #dropped = 0;
  #undeclared = 0;

  /** @param capacity messages that may wait, at least one */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Numbers the message within its stream and queues it. */
  put(body: object, timestamp: string): void {
    this.#waiting.push({ headerId: this.#produced, timestamp, body });
    this.#produced += 1;
    if (this.#waiting.length > this.#capacity) {
      this.#waiting.shift();
      this.#drop();
    }
  }

  /** Counts a message that could not be queued, under the number that it would have had. */
  lose(): void {
    this.#produced += 1;
    this.#drop();
  }

  /** Takes out the oldest message: the caller reports it as `delivered`, `failed` or `undeliverable`. */
  take(): Waiting | undefined {
    return this.#waiting.shift();
  }

  delivered(): void {
    this.#delivered += 1;
  }

  /** A taken message returns to the front, or is dropped and counted if newer ones filled the queue. */
  failed(message: Waiting): void {
    if (this.#waiting.length < this.#capacity) this.#waiting.unshift(message);
    else this.#drop();
  }

  /** The taken message can never be delivered. */
  undeliverable(): void {
    this.#drop();
  }

  /**
   * Drops that no delivered message has declared yet. The caller returns them with `undeclare` if its message
   * fails.
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

  #drop(): void {
    this.#dropped += 1;
    this.#undeclared += 1;
  }
}
