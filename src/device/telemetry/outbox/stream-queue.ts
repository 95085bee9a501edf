import type { NumberRange } from '../../../core/ledger/number-set.ts';
import type { GapReason } from '../../../contract/telemetry/ranges.ts';
import type { Account } from './account.ts';
import { isUnwritten, type Entry } from './entry.ts';

/** How much may wait. */
export interface OutboxBounds {
  /** of the bounds of the streams, up to 1 */
  readonly share: number;
  /** what counts: everything, or only what the disk does not hold as it is now */
  readonly of: 'all' | 'unwritten';
}

/** The bounds of the streams. */
export const FULL_BOUNDS: OutboxBounds = { share: 1, of: 'all' };

/**
 * Counts of one stream since the process began, in messages:
 * `produced + restored = delivered + dropped + merged + waiting`, once what was lost before (`dropped` of earlier
 * boots) is left out.
 */
export interface QueueCounts {
  readonly produced: number;
  /** of earlier boots, found on the disk */
  readonly restored: number;
  /** acknowledged by the fleet */
  readonly delivered: number;
  /** declared as lost, those of earlier boots included */
  readonly dropped: number;
  /** `dropped` by reason */
  readonly declared: Readonly<Partial<Record<GapReason, number>>>;
  /** became part of another message */
  readonly merged: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** whole seconds that the oldest has waited for its acknowledgement; null if none waits */
  readonly oldestSeconds: number | null;
}

/** A message that the fleet never acknowledges must not go with every acknowledgement of another. */
const MAX_OVERTAKEN = 2;

/** Messages of one stream in the order in which they were made: what waited before the link came up, then the rest. */
export class StreamQueue {
  readonly #history = new Set<Entry>();
  readonly #live = new Set<Entry>();
  readonly #byNumber = new Map<Account, Map<number, Entry>>();
  bytes = 0;
  produced = 0;
  delivered = 0;
  readonly #declared: Partial<Record<GapReason, number>> = {};
  merged = 0;
  #restored = 0;

  /** Numbers were declared as lost. */
  noteDeclared(reason: GapReason, count: number): void {
    this.#declared[reason] = (this.#declared[reason] ?? 0) + count;
  }

  restore(entry: Entry): void {
    this.#add(this.#history, entry);
    this.#restored += 1;
  }

  /** Entries of earlier boots, found late: they come before all others. */
  restoreBefore(entries: readonly Entry[]): void {
    const own = [...this.#history];
    this.#history.clear();
    for (const entry of entries) this.restore(entry);
    for (const entry of own) this.#history.add(entry);
  }

  put(entry: Entry, isLive: boolean): void {
    this.#add(isLive ? this.#live : this.#history, entry);
    this.produced += 1;
  }

  remove(entry: Entry): void {
    if (!this.#history.delete(entry) && !this.#live.delete(entry)) return;
    const entries = this.#byNumber.get(entry.account);
    entries?.delete(entry.last);
    if (entries?.size === 0) this.#byNumber.delete(entry.account);
    this.bytes -= entry.bytes;
    entry.state = 'gone';
    entry.payload = null;
  }

  rewrite(entry: Entry, payload: string): void {
    const bytes = Buffer.byteLength(payload);
    this.bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    entry.payload = payload;
  }

  /** Oldest first. Entries may be removed meanwhile. */
  *all(): Iterable<Entry> {
    yield* this.#history;
    yield* this.#live;
  }

  /** Entries that count towards the bounds, oldest first. */
  *counted({ of }: OutboxBounds): Iterable<Entry> {
    for (const entry of this.all()) if (of === 'all' || isUnwritten(entry)) yield entry;
  }

  /** Bytes beyond the bounds; 0 or less within them. @param maxBytes of the stream */
  excess(maxBytes: number, bounds: OutboxBounds): number {
    const most = maxBytes * bounds.share;
    // Many may wait on the disk: they are looked at only if there is too much of all together.
    if (bounds.of === 'all' || this.bytes <= most) return this.bytes - most;
    let bytes = 0;
    for (const entry of this.counted(bounds)) bytes += entry.bytes;
    return bytes - most;
  }

  get size(): number {
    return this.#history.size + this.#live.size;
  }

  /** Whether the broker has messages that the fleet has not acknowledged. */
  get isAwaitingAcknowledgement(): boolean {
    for (const { attempts } of this.all()) if (attempts > 0) return true;
    return false;
  }

  nextWaiting(age: 'live' | 'history'): Entry | undefined {
    for (const entry of age === 'live' ? this.#live : this.#history)
      if (entry.state === 'waiting') return entry;
    return undefined;
  }

  /** Entries of an account within a range that may have been published. */
  published(account: Account, [first, last]: NumberRange): Entry[] {
    const entries = this.#byNumber.get(account);
    if (entries === undefined) return [];
    const found: Entry[] = [];
    const note = (entry: Entry | undefined): void => {
      if (entry?.mayBeSent === true) found.push(entry);
    };
    // Ranges come from the network: a huge one must not take longer than all entries do.
    if (last - first < entries.size) for (let n = first; n <= last; n += 1) note(entries.get(n));
    else for (const [number, entry] of entries) if (number >= first && number <= last) note(entry);
    return found;
  }

  /**
   * Old messages that the broker has, or is about to have, for the first time. Those that were sent again do not count:
   * if the fleet never acknowledges them, they must not hold up the others.
   */
  unacknowledgedHistory(): number {
    let count = 0;
    for (const { state, attempts } of this.#history) {
      if (state === 'waiting' && attempts === 0) break;
      if (state !== 'waiting' && attempts <= 1) count += 1;
    }
    return count;
  }

  becomeHistory(): void {
    for (const entry of this.all()) entry.state = 'waiting';
    for (const entry of this.#live) this.#history.add(entry);
    this.#live.clear();
  }

  setAside(): void {
    for (const entry of this.#live) if (entry.state === 'waiting') this.postpone(entry);
  }

  postpone(entry: Entry): void {
    entry.state = 'waiting';
    if (this.#live.delete(entry)) this.#history.add(entry);
  }

  /**
   * Takes up again what was not acknowledged in time, and what was published before `lostBefore`.
   * @param lostBefore milliseconds of the monotonic clock
   */
  retryOverdue(nowMs: number, lostBefore: number): void {
    for (const entry of this.all()) {
      if (entry.state !== 'sent') continue;
      if (entry.sentAt < lostBefore && entry.overtaken < MAX_OVERTAKEN) {
        entry.overtaken += 1;
        // The fleet is there again: the next repetition does not wait as long as while it was away.
        entry.attempts = 1;
        entry.state = 'waiting';
      } else if (entry.resendAt <= nowMs) entry.state = 'waiting';
    }
  }

  #add(to: Set<Entry>, entry: Entry): void {
    to.add(entry);
    this.bytes += entry.bytes;
    let entries = this.#byNumber.get(entry.account);
    if (entries === undefined) {
      entries = new Map();
      this.#byNumber.set(entry.account, entries);
    }
    entries.set(entry.last, entry);
  }

  /** @param now seconds of the outbox's clock */
  counts(now: number): QueueCounts {
    const { produced, delivered, merged, bytes } = this;
    const [oldest] = this.all();
    return {
      produced,
      restored: this.#restored,
      delivered,
      dropped: Object.values(this.#declared).reduce((sum, count) => sum + count, 0),
      declared: { ...this.#declared },
      merged,
      waiting: this.size,
      waitingBytes: bytes,
      oldestSeconds: oldest === undefined ? null : Math.max(0, Math.floor(now - oldest.putAt)),
    };
  }
}
