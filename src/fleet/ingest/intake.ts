import { FairQueue } from './fair-queue.ts';
import type { Received } from '../check/received.ts';
import { unpack, type Waiting } from './unpack.ts';

export interface IntakeLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** Of what is free, one robot may fill this much more than it has waiting: never all of it, however much it sends. */
const SHARE_OF_FREE = 0.5;
/** It always may have so much waiting: then it is the brokers that are held when there is no room. */
const LEAST_SHARE: IntakeLimits = { messages: 64, bytes: 2 << 20 };

/**
 * Messages between their receipt and their commit: bounded, and given out to all robots in turn. What is beyond the
 * bounds stays in the brokers, because links wait for the promises that they get. What one robot sends beyond its share
 * is ignored: it sends that again, since it was not acknowledged.
 */
export class Intake {
  readonly #limits: IntakeLimits;
  readonly #onDeferred: (robot: string) => void;
  readonly #waiting = new FairQueue();
  /** waiting, or taken and not released yet */
  #messages = 0;
  #bytes = 0;
  #roomWaiters: (() => void)[] = [];
  readonly #messageWaiters = new Set<() => void>();
  #isClosed = false;

  /** @param onDeferred a message of a robot, named `SITE/ROBOT`, was ignored because of its share */
  constructor(limits: IntakeLimits, onDeferred: (robot: string) => void) {
    this.#limits = limits;
    this.#onDeferred = onDeferred;
  }

  /**
   * Takes a message, or a batch of them, and checks them, while the database works on others. After `close` it is
   * ignored, and the robot sends it again.
   * @returns undefined if there is room for another one, else a promise for when there is
   */
  offer(received: Received): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    const robot = robotOf(received.topic);
    if (this.#maySend(robot)) this.#add(robot, unpack(received));
    else this.#onDeferred(robot);
    return this.#hasRoom() ? undefined : new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  #add(robot: string, messages: readonly Waiting[]): void {
    this.#waiting.add(robot, messages);
    this.#messages += messages.length;
    for (const { received } of messages) this.#bytes += received.payload.length;
    for (const look of this.#messageWaiters) look();
  }

  /** Looked at before a message is unpacked and checked, so that too many cost little. */
  #maySend(robot: string): boolean {
    const { messages, bytes } = this.#waiting.of(robot);
    const share = (limit: number, used: number): number => (limit - used) * SHARE_OF_FREE;
    return (
      messages < Math.max(LEAST_SHARE.messages, share(this.#limits.messages, this.#messages)) &&
      bytes < Math.max(LEAST_SHARE.bytes, share(this.#limits.bytes, this.#bytes))
    );
  }

  get size(): number {
    return this.#messages;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** When the oldest waiting message was received; null if none waits. */
  get oldestMs(): number | null {
    return this.#waiting.oldestMs;
  }

  /** Resolves once `count` messages wait, or after `waitMs`. */
  async untilWaiting(count: number, waitMs: number): Promise<void> {
    if (this.#waiting.size >= count) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#messageWaiters.delete(look);
        resolve();
      };
      const timer = setTimeout(end, waitMs);
      const look = (): void => {
        if (this.#waiting.size >= count) end();
      };
      this.#messageWaiters.add(look);
    });
  }

  /** Messages of all robots in turn, up to a number and to bytes, but at least one; they take room until released. */
  take(count: number, bytes: number): Waiting[] {
    return this.#waiting.take(count, bytes);
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

/** `SITE/ROBOT` as the topic has it, which may be wrong. */
function robotOf(topic: string): string {
  return topic.split('/', 4).slice(2).join('/');
}
