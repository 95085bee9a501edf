import { MAX_HISTORY_MESSAGES, MAX_PAYLOAD_BYTES } from '../../contract/telemetry/history.ts';
import { streamRow, type Stream } from '../../contract/telemetry/streams.ts';
import type { Clock, TimerHandle } from '../../platform/clock.ts';
import { packHistory } from '../../platform/history-batch.ts';
import { isTooLarge } from '../../platform/mqtt/link-trouble.ts';
import { STATE_PRIORITY, type Budget } from './budget.ts';
import type { DiskOutbox } from './outbox/disk-outbox.ts';
import { streamOf, type Entry } from './outbox/entry.ts';

/** Messages that the broker has not answered yet, at most. */
const MAX_PUBLISHING = 8;

/** Old messages that the fleet has not acknowledged yet, at most. */
const MAX_UNACKNOWLEDGED_HISTORY = 2 * MAX_HISTORY_MESSAGES;

/** Old messages leave room for those of now, compressed bytes per second. */
const HISTORY_BYTES_PER_SECOND = 64 * 1024;

/**
 * A batch of several old messages: bytes of their payloads, and compressed, at most. Larger ones save hardly a byte,
 * and frames notice how they are made and acknowledged: with 512 KiB the slowest ones took half as long again.
 */
const BATCH_BYTES = { raw: 96 * 1024, packed: 96 * 1024 } as const;

/** A message that the fleet does not acknowledge is published again after `firstMs`, then later, up to `lastMs`. */
export interface ResendTiming {
  readonly firstMs: number;
  readonly lastMs: number;
}

const RESEND: ResendTiming = { firstMs: 15_000, lastMs: 300_000 };

/** Pause after the broker refused a message though the link is up, or the disk could not read one. */
const PAUSE_MS = 5_000;

export interface DispatcherPorts {
  /** Resolves when the broker has it; rejects when it does not, or the link is down. */
  publish(stream: Stream, payload: string | Buffer): Promise<void>;
  /** Bytes that the topic of a stream adds to each message. */
  topicBytes(stream: Stream): number;
  readonly clock: Clock;
  readonly budget: Budget;
  readonly resend?: ResendTiming;
}

/**
 * Publishes what waits in an outbox while the link is up: what happens now first, by the priority of its stream, then
 * what waited before, in batches and at a bounded rate. A message stays in the outbox until the fleet acknowledges it
 * and is published again when that takes too long. Never throws.
 */
export class Dispatcher {
  readonly #disk: DiskOutbox;
  readonly #ports: DispatcherPorts;
  #isLinked = false;
  /** grows when the link goes down: what was begun before is not sent any more */
  #links = 0;
  #publishing = 0;
  #isBatchInFlight = false;
  #maxBatch = MAX_HISTORY_MESSAGES;
  /** of the day's bytes, for the oldest message of those that waited: until then none of them is published */
  #historyNeeds = 0;
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
    this.#maxBatch = MAX_HISTORY_MESSAGES;
    this.#disk.outbox.setLinked(true);
    // If the disk cannot note it, what it holds is not newer than what was sent before.
    await this.#disk.noteLinked().catch(() => undefined);
    this.wake();
  }

  linkDown(): void {
    this.#isLinked = false;
    this.#links += 1;
    this.#pausedUntilMs = 0;
    this.#disk.outbox.setLinked(false);
    this.#settleIdle();
  }

  /** Publishes what may be published now. */
  wake(): void {
    while (this.#mayPublish()) {
      const entry = this.#nextLive();
      if (entry === undefined) break;
      entry.state = 'publishing';
      if (streamOf(entry) === 'state') this.#ports.budget.noteState();
      this.#begin(this.#publish(entry));
    }
    if (this.#mayPublish() && this.#disk.isLinkNoted && !this.#isBatchInFlight) {
      const batch = this.#nextBatch();
      if (batch.length > 0) {
        this.#isBatchInFlight = true;
        this.#begin(this.#publishBatch(batch).finally(() => (this.#isBatchInFlight = false)));
      }
    }
    this.#settleIdle();
  }

  #nextLive(): Entry | undefined {
    return this.#disk.outbox.nextWaiting('live', this.#ports.budget.maxPriority);
  }

  #mayPublish(): boolean {
    return this.#isLinked && this.#publishing < MAX_PUBLISHING && !this.#isPaused();
  }

  #begin(publishing: Promise<void>): void {
    this.#publishing += 1;
    void publishing.finally(() => {
      this.#publishing -= 1;
      this.wake();
    });
  }

  /** Takes up again what was not acknowledged in time. Called about once a second. */
  tick(): void {
    // Without a link everything waits: looking for what does not takes longer with every hour.
    if (this.#isLinked) this.#disk.outbox.retryOverdue(this.#ports.clock.monotonicMs());
    if (this.#ports.budget.allowance !== 'all') this.#disk.outbox.setAside(STATE_PRIORITY);
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
    const links = this.#links;
    const payload = (await this.#payloadsOf([entry])).get(entry);
    if (payload === undefined || links !== this.#links) return;
    const stream = streamOf(entry);
    const bytes = this.#ports.topicBytes(stream) + Buffer.byteLength(payload);
    if (!this.#ports.budget.affords(stream, bytes)) {
      // Packed it is smaller, and the next day has room for it.
      this.#disk.outbox.postpone(entry);
      return;
    }
    entry.mayBeSent = true;
    try {
      await this.#ports.publish(stream, payload);
      this.#noteSent(entry);
    } catch (error) {
      this.#noteFailed(entry, error as Error & { readonly code?: unknown });
    }
  }

  /** Without what cannot be sent, which is declared, what went meanwhile, and what has to wait. */
  async #payloadsOf(entries: readonly Entry[]): Promise<ReadonlyMap<Entry, string>> {
    const { outbox } = this.#disk;
    for (const entry of entries) if (entry.bytes > MAX_PAYLOAD_BYTES) outbox.drop(entry, 'too_large');
    const wanted = entries.filter(isPublishing);
    const payloads = await this.#read(wanted);
    for (const entry of wanted)
      if (isPublishing(entry) && !payloads.has(entry)) outbox.drop(entry, 'corrupted');
    return new Map([...payloads].filter(([entry]) => isPublishing(entry)));
  }

  async #read(entries: readonly Entry[]): Promise<ReadonlyMap<Entry, string>> {
    try {
      return await this.#disk.payloads(entries);
    } catch {
      // The flush reports the disk. What it holds is not lost: it waits until it can be read.
      this.#pause();
      const inMemory = new Map<Entry, string>();
      for (const entry of entries) {
        if (entry.payload === null) this.#disk.outbox.postpone(entry);
        else inMemory.set(entry, entry.payload);
      }
      return inMemory;
    }
  }

  async #publishBatch(batch: readonly Entry[]): Promise<void> {
    const links = this.#links;
    const payloads = await this.#payloadsOf(batch);
    // Meanwhile the link may have gone.
    const entries = batch.filter((entry) => payloads.has(entry));
    if (links !== this.#links || entries.length === 0) return;
    const left = this.#ports.budget.freeLeft - this.#ports.topicBytes('history');
    const { sent, packed } = pack(entries, payloads, left);
    this.#historyNeeds = 0;
    if (packed.length > left) {
      this.#saveFor(sent[0], packed.length);
      for (const entry of entries) if (entry.state === 'publishing') entry.state = 'waiting';
      return;
    }
    for (const entry of entries.slice(sent.length)) entry.state = 'waiting';
    for (const entry of sent) entry.mayBeSent = true;
    this.#historyBytes -= packed.length;
    try {
      await this.#ports.publish('history', packed);
      for (const entry of sent) this.#noteSent(entry);
    } catch (error) {
      this.#noteBatchFailed(sent, error as Error & { readonly code?: unknown });
    }
  }

  /** The oldest message does not fit into what is left of the day, or into no day. */
  #saveFor(oldest: Entry | undefined, packedBytes: number): void {
    const needed = packedBytes + this.#ports.topicBytes('history');
    if (oldest === undefined) return;
    const isKept = streamRow(streamOf(oldest)).overflow === 'kept';
    if (needed > this.#ports.budget.freeBytes && !isKept) this.#disk.outbox.drop(oldest, 'too_large');
    else this.#historyNeeds = needed;
  }

  #noteBatchFailed(sent: readonly Entry[], error: Error & { readonly code?: unknown }): void {
    if (isTooLarge(error) && sent.length > 1) {
      // A smaller one may fit.
      this.#maxBatch = Math.ceil(sent.length / 2);
      for (const entry of sent) if (entry.state === 'publishing') entry.state = 'waiting';
    } else for (const entry of sent) this.#noteFailed(entry, error);
  }

  #noteSent(entry: Entry): void {
    if (entry.state !== 'publishing') return;
    entry.state = 'sent';
    const { firstMs, lastMs } = this.#ports.resend ?? RESEND;
    const wait = Math.min(firstMs * 2 ** entry.attempts, lastMs);
    entry.attempts += 1;
    entry.sentAt = this.#ports.clock.monotonicMs();
    entry.resendAt = entry.sentAt + wait;
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
      this.#pause();
    }
  }

  /** Old messages for the next batch; none while what was sent of them is enough for now. */
  #nextBatch(): readonly Entry[] {
    const { outbox } = this.#disk;
    const batch: Entry[] = [];
    const { allowance, freeLeft } = this.#ports.budget;
    if (allowance !== 'all' || freeLeft < this.#historyNeeds) return batch;
    if (!this.#mayAffordHistory() || outbox.unacknowledgedHistory() >= MAX_UNACKNOWLEDGED_HISTORY)
      return batch;
    let bytes = 0;
    while (batch.length < this.#maxBatch) {
      const entry = outbox.nextWaiting('history');
      if (entry === undefined || (bytes > 0 && bytes + entry.bytes > BATCH_BYTES.raw)) break;
      entry.state = 'publishing';
      bytes += entry.bytes;
      batch.push(entry);
    }
    return batch;
  }

  #mayAffordHistory(): boolean {
    const now = this.#ports.clock.monotonicMs();
    const earned = ((now - this.#historyAtMs) / 1000) * HISTORY_BYTES_PER_SECOND;
    this.#historyAtMs = now;
    this.#historyBytes = Math.min(HISTORY_BYTES_PER_SECOND, this.#historyBytes + earned);
    if (this.#historyBytes <= 0) this.#wakeIn((-this.#historyBytes / HISTORY_BYTES_PER_SECOND) * 1000 + 10);
    return this.#historyBytes > 0;
  }

  #pause(): void {
    this.#pausedUntilMs = this.#ports.clock.monotonicMs() + PAUSE_MS;
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
    return this.#publishing === 0 && this.#nextLive() === undefined;
  }

  #settleIdle(): void {
    if (this.#idle.length > 0 && this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function isPublishing({ state }: Entry): boolean {
  return state === 'publishing';
}

/**
 * As many of the entries, from the first on, as fit into a batch; at least one.
 * @param maxBytes of the batch; a single entry may have more
 */
function pack(
  entries: readonly Entry[],
  payloads: ReadonlyMap<Entry, string>,
  maxBytes: number,
): { readonly sent: readonly Entry[]; readonly packed: Buffer } {
  const packed = packHistory(
    entries.map((entry) => ({ stream: streamOf(entry), payload: payloads.get(entry) ?? '' })),
  );
  const most = Math.min(BATCH_BYTES.packed, maxBytes);
  if (entries.length === 1 || packed.length <= most) return { sent: entries, packed };
  return pack(entries.slice(0, Math.ceil(entries.length / 2)), payloads, maxBytes);
}
