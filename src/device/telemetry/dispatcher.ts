import { streamRow, type StoredStream } from '../../contract/telemetry/streams.ts';
import type { Clock, TimerHandle } from '../../platform/clock.ts';
import { isTooLarge } from '../../platform/mqtt/link-trouble.ts';
import type { DiskOutbox } from './outbox/disk-outbox.ts';
import { streamOf, type Entry } from './outbox/entry.ts';

/** Messages that the broker has not answered yet, at most. */
const MAX_PUBLISHING = 8;

/** Old messages that the fleet has not acknowledged yet, at most. */
const MAX_UNACKNOWLEDGED_HISTORY = 64;

/** Old messages leave room for those of now, bytes per second. */
const HISTORY_BYTES_PER_SECOND = 64 * 1024;

/** A message that the fleet does not acknowledge is published again, each time later, at most after `last`. */
const RESEND_MS = { first: 15_000, last: 300_000 } as const;

/** Pause after the broker refused a message though the link is up. */
const REFUSED_PAUSE_MS = 5_000;

export interface DispatcherPorts {
  /** Resolves when the broker has it; rejects when it does not, or the link is down. */
  publish(stream: StoredStream, payload: string): Promise<void>;
  readonly clock: Clock;
}

/**
 * Publishes what waits in an outbox while the link is up: what happens now first, by the priority of its stream, then
 * what waited before, at a bounded rate. A message stays in the outbox until the fleet acknowledges it and is
 * published again when that takes too long. Never throws.
 */
export class Dispatcher {
  readonly #disk: DiskOutbox;
  readonly #ports: DispatcherPorts;
  #isLinked = false;
  #publishing = 0;
  #pausedUntilMs = 0;
  #historyBytes = HISTORY_BYTES_PER_SECOND;
  #historyAtMs: number;
  #timer: TimerHandle | undefined;
  #idle: (() => void)[] = [];

  constructor(disk: DiskOutbox, ports: DispatcherPorts) {
    this.#disk = disk;
    this.#ports = ports;
    this.#historyAtMs = ports.clock.monotonicMs();
  }

  /** The link is up: everything that is not acknowledged is published. */
  async linkUp(): Promise<void> {
    this.#isLinked = true;
    this.#disk.outbox.setLinked(true);
    // If the disk cannot note it, what it holds is not newer than what was sent before.
    await this.#disk.noteLinked().catch(() => undefined);
    this.wake();
  }

  linkDown(): void {
    this.#isLinked = false;
    this.#pausedUntilMs = 0;
    this.#disk.outbox.setLinked(false);
    this.#settleIdle();
  }

  /** Publishes what may be published now. */
  wake(): void {
    while (this.#isLinked && this.#publishing < MAX_PUBLISHING && !this.#isPaused()) {
      const entry = this.#disk.outbox.nextWaiting('live') ?? this.#nextOfHistory();
      if (entry === undefined) break;
      entry.state = 'publishing';
      this.#publishing += 1;
      void this.#publish(entry).finally(() => {
        this.#publishing -= 1;
        this.wake();
      });
    }
    this.#settleIdle();
  }

  /** Takes up again what was not acknowledged in time. Called about once a second. */
  tick(): void {
    this.#disk.outbox.retryOverdue(this.#ports.clock.monotonicMs());
    this.wake();
  }

  /** Resolves once nothing of now waits for the broker, or the link is down. */
  async untilIdle(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  stop(): void {
    this.#isLinked = false;
    if (this.#timer !== undefined) this.#ports.clock.stopTimer(this.#timer);
    this.#settleIdle();
  }

  async #publish(entry: Entry): Promise<void> {
    const { outbox } = this.#disk;
    const payload = await this.#disk.payload(entry);
    if (entry.state !== 'publishing') return;
    if (payload === null) {
      outbox.drop(entry, 'corrupted');
      return;
    }
    entry.mayBeSent = true;
    const isHistory = outbox.queue(streamOf(entry)).isHistory(entry);
    if (isHistory) this.#historyBytes -= entry.bytes;
    try {
      await this.#ports.publish(streamOf(entry), isHistory ? markedHistorical(payload) : payload);
      this.#noteSent(entry);
    } catch (error) {
      this.#noteFailed(entry, error as Error & { readonly code?: unknown });
    }
  }

  #noteSent(entry: Entry): void {
    if (entry.state !== 'publishing') return;
    entry.state = 'sent';
    const wait = Math.min(RESEND_MS.first * 2 ** entry.attempts, RESEND_MS.last);
    entry.attempts += 1;
    entry.resendAt = this.#ports.clock.monotonicMs() + wait;
  }

  #noteFailed(entry: Entry, error: Error & { readonly code?: unknown }): void {
    if (entry.state !== 'publishing') return;
    const isKept = streamRow(streamOf(entry)).overflow === 'kept';
    // No later attempt can succeed, and the messages behind it must not wait forever.
    if (isTooLarge(error) && !isKept) this.#disk.outbox.drop(entry, 'too_large');
    // A declared gap would only be declared by another one.
    else if (isTooLarge(error)) this.#noteSent(entry);
    else {
      entry.state = 'waiting';
      this.#pausedUntilMs = this.#ports.clock.monotonicMs() + REFUSED_PAUSE_MS;
    }
  }

  #nextOfHistory(): Entry | undefined {
    const now = this.#ports.clock.monotonicMs();
    const earned = ((now - this.#historyAtMs) / 1000) * HISTORY_BYTES_PER_SECOND;
    this.#historyAtMs = now;
    this.#historyBytes = Math.min(HISTORY_BYTES_PER_SECOND, this.#historyBytes + earned);
    if (this.#historyBytes <= 0) {
      this.#wakeIn((-this.#historyBytes / HISTORY_BYTES_PER_SECOND) * 1000 + 10);
      return undefined;
    }
    if (this.#disk.outbox.unacknowledgedHistory() >= MAX_UNACKNOWLEDGED_HISTORY) return undefined;
    return this.#disk.outbox.nextWaiting('history');
  }

  #isPaused(): boolean {
    const left = this.#pausedUntilMs - this.#ports.clock.monotonicMs();
    if (left > 0) this.#wakeIn(left);
    return left > 0;
  }

  #wakeIn(ms: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#ports.clock.startTimer(() => {
      this.#timer = undefined;
      this.wake();
    }, ms);
  }

  #isIdle(): boolean {
    if (!this.#isLinked || this.#isPaused()) return true;
    return this.#publishing === 0 && this.#disk.outbox.nextWaiting('live') === undefined;
  }

  #settleIdle(): void {
    if (this.#idle.length > 0 && this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Says of a message that it waited: it is not the newest, whatever came before it. */
function markedHistorical(payload: string): string {
  return payload.replace('{', '{"historical":true,');
}
