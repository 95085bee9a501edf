import type { Received } from './received.ts';
import { unpack, type Waiting } from './unpack.ts';

export interface IntakeLimits {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Messages between their receipt and their commit: bounded, in the order in which they came. What is beyond the bounds
 * stays in the brokers, because links wait for the promises that they get.
 */
export class Intake {
  readonly #limits: IntakeLimits;
  #waiting: Waiting[] = [];
  /** waiting, or taken and not released yet */
  #messages = 0;
  #bytes = 0;
  #roomWaiters: (() => void)[] = [];
  readonly #messageWaiters = new Set<() => void>();
  #isClosed = false;

  constructor(limits: IntakeLimits) {
    this.#limits = limits;
  }

  /**
   * Takes a message, or a batch of them, and checks them, while the database works on others. After `close` it is
   * ignored, and the robot sends it again.
   * @returns undefined if there is room for another one, else a promise for when there is
   */
  offer(received: Received): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    for (const one of unpack(received)) {
      this.#waiting.push(one);
      this.#messages += 1;
      this.#bytes += one.received.payload.length;
    }
    for (const look of this.#messageWaiters) look();
    return this.#hasRoom() ? undefined : new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  get size(): number {
    return this.#messages;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** When the oldest waiting message was received; null if none waits. */
  get oldestMs(): number | null {
    return this.#waiting[0]?.received.receivedMs ?? null;
  }

  /** Resolves once `count` messages wait, or after `waitMs`. */
  async untilWaiting(count: number, waitMs: number): Promise<void> {
    if (this.#waiting.length >= count) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#messageWaiters.delete(look);
        resolve();
      };
      const timer = setTimeout(end, waitMs);
      const look = (): void => {
        if (this.#waiting.length >= count) end();
      };
      this.#messageWaiters.add(look);
    });
  }

  /** The oldest messages, up to a number and to bytes, but at least one; they take room until they are released. */
  take(count: number, bytes: number): Waiting[] {
    let end = 0;
    for (let sum = 0; end < Math.min(count, this.#waiting.length) && (end === 0 || sum < bytes); end += 1)
      sum += this.#waiting[end]?.received.payload.length ?? 0;
    return this.#waiting.splice(0, end);
  }

  /** Messages that are stored, or refused: their room is free again. */
  release(done: readonly Received[]): void {
    this.#messages -= done.length;
    for (const { payload } of done) this.#bytes -= payload.length;
    if (!this.#hasRoom()) return;
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  /** Takes nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  #hasRoom(): boolean {
    return this.#messages < this.#limits.messages && this.#bytes < this.#limits.bytes;
  }
}
