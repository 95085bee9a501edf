import { NumberSet, type NumberRange } from '../../../core/ledger/number-set.ts';
import { MAX_RANGES, type GapReason } from '../../../contract/telemetry/ranges.ts';
import {
  STORED_STREAMS,
  streamRow,
  type ReportedStream,
  type StoredStream,
  type StreamBody,
} from '../../../contract/telemetry/streams.ts';
import { Account, accountId, type Boot } from './account.ts';
import { newEntry, streamOf, type Entry } from './entry.ts';
import type { EarlierBoot } from './store.ts';
import { FULL_BOUNDS, StreamQueue, type OutboxBounds, type QueueCounts } from './stream-queue.ts';

/** A message that has its numbers. */
export interface Draft {
  readonly boot: Boot;
  readonly stream: StoredStream;
  /** the lowest number that it stands for; `last` unless it was merged */
  readonly first: number;
  readonly last: number;
  readonly body: object;
  /** ISO 8601; now if it is not given */
  readonly timestamp?: string;
}

/** What an outbox needs of the world. */
export interface OutboxPorts {
  /** The whole message as text. */
  compose(draft: Draft): string;
  /** seconds of a clock that goes on while the device is on, over all boots of this disk */
  now(): number;
  /** An entry came, changed or went; the disk is to follow. */
  onEntry(entry: Entry): void;
  onAccount(account: Account): void;
}

/** What an outbox begins with: what earlier boots left on the disk. */
export interface OutboxContent {
  readonly boot: Boot;
  readonly accounts: readonly Account[];
  /** oldest first */
  readonly entries: readonly Entry[];
}

/** What an outbox contains at a moment. */
export interface OutboxView extends OutboxContent {
  /** now, in seconds of its own clock */
  readonly clock: number;
}

type GapBody = StreamBody<'gap'>;

/** Several ingestors share what a robot sends, and acknowledge it in any order within this time. */
const OVERTAKEN_MS = 2_000;

/**
 * Messages from the moment they are made until the fleet acknowledges them. In memory there is an index; payloads are
 * kept until they are on the disk. For each stream and boot, every number below `next` waits, is acknowledged, or is
 * declared as lost: nothing leaves in another way.
 */
export class Outbox {
  readonly boot: Boot;
  readonly #ports: OutboxPorts;
  readonly #accounts = new Map<string, Account>();
  readonly #queues: ReadonlyMap<StoredStream, StreamQueue>;
  /** the newest gap message, which takes more ranges until it is published */
  #openGap: Entry | null = null;
  #isLinked = false;
  #bounds = FULL_BOUNDS;
  /** when the newest message that the fleet has was published, milliseconds of the monotonic clock */
  #acknowledgedSentAt = -Infinity;

  constructor({ boot, accounts, entries }: OutboxContent, ports: OutboxPorts) {
    this.boot = boot;
    this.#ports = ports;
    for (const account of accounts)
      this.#accounts.set(accountId(account.stream, account.boot.bootId), account);
    this.#queues = new Map(STORED_STREAMS.map((stream) => [stream, new StreamQueue()]));
    for (const entry of entries) this.#queue(streamOf(entry)).restore(entry);
  }

  /** Takes a message under the next number of its stream, and makes room for it; or refuses and declares it. */
  put(stream: ReportedStream, body: object): void {
    const { overflow, maxBytes } = streamRow(stream);
    const queue = this.#queue(stream);
    const isFull = [FULL_BOUNDS, this.#bounds].some((bounds) => queue.excess(maxBytes, bounds) >= 0);
    if (overflow === 'refuse' && isFull) {
      this.lose(stream, 'overflow');
      return;
    }
    const entry = this.#put(stream, body, null);
    if (overflow === 'newest') this.#supersede(queue, entry);
  }

  #put(stream: StoredStream, body: object, gap: GapBody | null): Entry {
    const account = this.#account(stream, this.boot);
    const number = account.next++;
    const payload = this.#ports.compose({ boot: this.boot, stream, first: number, last: number, body });
    const entry = newEntry(account, number, this.#ports.now(), payload, gap);
    this.#queue(stream).put(entry, this.#isLinked);
    this.#ports.onEntry(entry);
    this.#ports.onAccount(account);
    return entry;
  }

  /** Counts a message that was made and cannot be kept, under the number that it would have had. */
  lose(stream: ReportedStream, reason: GapReason): void {
    const account = this.#account(stream, this.boot);
    const number = account.next++;
    this.#queue(stream).produced += 1;
    this.declare(account, number, number, reason);
  }

  /**
   * The numbers from `first` to `last` will never arrive: a gap message declares them.
   * @param isRepeated they were counted when they were declared before
   */
  declare(account: Account, first: number, last: number, reason: GapReason, isRepeated = false): void {
    if (last < first) return;
    account.next = Math.max(account.next, last + 1);
    if (!isRepeated) {
      const fresh = account.declared.add(reason, first, last);
      this.#queue(account.stream).noteDeclared(reason, fresh);
    }
    this.#ports.onAccount(account);
    const { stream, boot } = account;
    const open = this.#openGap?.state === 'waiting' && !this.#openGap.mayBeSent ? this.#openGap : null;
    const gap = open?.gap;
    const isSame = gap?.stream === stream && gap.lostBootId === boot.bootId && gap.reason === reason;
    const ranges = NumberSet.of([...(isSame ? gap.ranges : []), [first, last]]).ranges();
    if (open && isSame && ranges.length <= MAX_RANGES) this.#extendGap(open, gap, ranges);
    else this.#openGap = this.#putGap({ stream, lostBootId: boot.bootId, ranges: [[first, last]], reason });
  }

  /** An entry is lost. */
  drop(entry: Entry, reason: GapReason): void {
    if (entry.state === 'gone') return;
    this.#remove(entry);
    this.declare(entry.account, entry.first, entry.last, reason);
    if (entry.gap === null) return;
    // What it would have declared is not declared yet.
    const account = this.#accountOf(entry.gap);
    if (account === undefined) return;
    for (const [first, last] of entry.gap.ranges)
      this.declare(account, first, last, entry.gap.reason as GapReason, true);
  }

  /** The fleet has stored these numbers. Numbers that do not wait here, or that were never sent, are ignored. */
  acknowledge(stream: StoredStream, bootId: string, ranges: readonly NumberRange[]): void {
    const account = this.#accounts.get(accountId(stream, bootId));
    if (account === undefined) return;
    const queue = this.#queue(stream);
    const acknowledged = ranges.flatMap((range) => queue.published(account, range));
    for (const entry of acknowledged) {
      this.#remove(entry);
      account.settled.add(entry.first, entry.last);
      queue.delivered += 1;
      this.#acknowledgedSentAt = Math.max(this.#acknowledgedSentAt, entry.sentAt);
      if (entry.gap !== null) this.#settleGap(entry.gap);
    }
    if (acknowledged.length > 0) this.#ports.onAccount(account);
  }

  /** Two neighbors become one, which stands for both. */
  replace(older: Entry, newer: Entry, body: object, timestamp: string): void {
    const { account, last } = newer;
    const queue = this.#queue(account.stream);
    this.#remove(older);
    account.settled.add(older.first, older.last);
    queue.merged += 1;
    const payload = this.#ports.compose({
      boot: account.boot,
      stream: account.stream,
      first: older.first,
      last,
      body,
      timestamp,
    });
    queue.rewrite(newer, payload);
    newer.first = older.first;
    this.#ports.onEntry(newer);
    this.#ports.onAccount(account);
  }

  /** What waited too long goes; streams above the bounds lose their oldest, unless they refuse what is new. */
  trim(bounds: OutboxBounds): void {
    const now = this.#ports.now();
    this.#bounds = bounds;
    for (const [stream, queue] of this.#queues) {
      const { maxAgeHours, maxBytes, overflow } = streamRow(stream);
      if (overflow === 'kept') continue;
      for (const entry of queue.all()) {
        if (now - entry.putAt <= maxAgeHours * 3600) break;
        this.drop(entry, 'age');
      }
      if (overflow === 'refuse') continue;
      let excess = queue.excess(maxBytes, bounds);
      for (const entry of queue.counted(bounds)) {
        if (excess <= 0) break;
        excess -= entry.bytes;
        this.drop(entry, 'overflow');
      }
    }
  }

  /** Whether messages can be published. Those that wait when the link goes down are history from then on. */
  setLinked(isLinked: boolean): void {
    this.#isLinked = isLinked;
    if (!isLinked) for (const queue of this.#queues.values()) queue.becomeHistory();
  }

  /** Messages of less urgent streams that could not be published when they were made count as history. */
  setAside(maxPriority: number): void {
    for (const [stream, queue] of this.#queues)
      if (streamRow(stream).priority > maxPriority) queue.setAside();
  }

  /** The disk cannot read a message that was to be published: it waits as history, so that it holds up no other. */
  postpone(entry: Entry): void {
    if (entry.state === 'publishing') this.#queue(streamOf(entry)).postpone(entry);
  }

  /**
   * The next message to publish: one made while the link was up, or one that waited before.
   * @param maxPriority of its stream
   */
  nextWaiting(age: 'live' | 'history', maxPriority = Infinity): Entry | undefined {
    let found: Entry | undefined;
    let priority = Infinity;
    for (const [stream, queue] of this.#queues) {
      const own = streamRow(stream).priority;
      if (own >= priority || own > maxPriority) continue;
      const entry = queue.nextWaiting(age);
      if (entry === undefined) continue;
      found = entry;
      priority = own;
    }
    return found;
  }

  /**
   * Messages that the broker has and the fleet has not acknowledged in time are published again. Those that were sent
   * well before something that it has acknowledged are lost: the broker dropped them, because nobody had subscribed.
   */
  retryOverdue(nowMs: number): void {
    const lostBefore = this.#acknowledgedSentAt - OVERTAKEN_MS;
    for (const queue of this.#queues.values()) queue.retryOverdue(nowMs, lostBefore);
  }

  unacknowledgedHistory(): number {
    let count = 0;
    for (const queue of this.#queues.values()) count += queue.unacknowledgedHistory();
    return count;
  }

  queue(stream: StoredStream): StreamQueue {
    return this.#queue(stream);
  }

  /** The largest number that is in use of each stream in this boot, plus one. */
  nextNumbers(): ReadonlyMap<StoredStream, number> {
    return new Map(
      STORED_STREAMS.map((stream) => [
        stream,
        this.#accounts.get(accountId(stream, this.boot.bootId))?.next ?? 0,
      ]),
    );
  }

  /** Earlier boots of which something waits, the oldest first, each with the streams of which it does. */
  unfinishedBoots(): EarlierBoot[] {
    const boots = new Map<string, { bootId: string; bootCount: number; next: Record<string, number> }>();
    for (const { boot, stream, next, isDone } of this.#accounts.values()) {
      if (isDone || boot.bootId === this.boot.bootId) continue;
      const known = boots.get(boot.bootId) ?? { ...boot, next: {} };
      known.next[stream] = next;
      boots.set(boot.bootId, known);
    }
    return [...boots.values()].sort((a, b) => a.bootCount - b.bootCount);
  }

  /** Accounts of which nothing waits and that belong to an earlier boot: the disk can forget them. */
  doneAccounts(): Account[] {
    return [...this.#accounts.values()].filter(
      ({ isDone, boot }) => isDone && boot.bootId !== this.boot.bootId,
    );
  }

  forget(account: Account): void {
    this.#accounts.delete(accountId(account.stream, account.boot.bootId));
  }

  counts(): Readonly<Record<StoredStream, QueueCounts>> {
    const now = this.#ports.now();
    return Object.fromEntries(
      [...this.#queues].map(([stream, queue]) => [stream, queue.counts(now)]),
    ) as Record<StoredStream, QueueCounts>;
  }

  /** Messages that the fleet has acknowledged since the process began, and whether the broker has others. */
  acknowledgement(): { readonly acknowledged: number; readonly isAwaiting: boolean } {
    const queues = [...this.#queues.values()];
    return {
      acknowledged: queues.reduce((sum, { delivered }) => sum + delivered, 0),
      isAwaiting: this.#isLinked && queues.some((queue) => queue.isAwaitingAcknowledgement),
    };
  }

  content(): OutboxView {
    const entries = [...this.#queues.values()].flatMap((queue) => [...queue.all()]);
    return { boot: this.boot, accounts: [...this.#accounts.values()], entries, clock: this.#ports.now() };
  }

  /**
   * Takes up what earlier boots left on a disk that is found late. This boot comes after them.
   * @param shift seconds by which the outbox's clock jumps ahead
   */
  adopt({ boot, accounts, entries }: OutboxContent, shift: number): void {
    const own = this.content();
    this.boot.bootCount = boot.bootCount;
    for (const entry of own.entries) entry.putAt += shift;
    for (const account of accounts)
      this.#accounts.set(accountId(account.stream, account.boot.bootId), account);
    for (const [stream, queue] of this.#queues)
      queue.restoreBefore(entries.filter((entry) => streamOf(entry) === stream));
    for (const entry of own.entries) this.#ports.onEntry(entry);
    for (const account of own.accounts) this.#ports.onAccount(account);
  }

  #supersede(queue: StreamQueue, newest: Entry): void {
    for (const entry of queue.all()) if (entry !== newest) this.drop(entry, 'superseded');
  }

  #putGap(gap: GapBody): Entry {
    return this.#put('gap', gap, gap);
  }

  #extendGap(entry: Entry, gap: GapBody, ranges: readonly NumberRange[]): void {
    gap.ranges = ranges.map(([low, high]) => [low, high]);
    const { first, last } = entry;
    const payload = this.#ports.compose({ boot: this.boot, stream: 'gap', first, last, body: gap });
    this.#queue('gap').rewrite(entry, payload);
    this.#ports.onEntry(entry);
  }

  #settleGap(gap: GapBody): void {
    const account = this.#accountOf(gap);
    if (account === undefined) return;
    account.settled.addAll(gap.ranges);
    this.#ports.onAccount(account);
  }

  #accountOf({ stream, lostBootId }: GapBody): Account | undefined {
    return this.#accounts.get(accountId(stream, lostBootId));
  }

  #remove(entry: Entry): void {
    this.#queue(streamOf(entry)).remove(entry);
    this.#ports.onEntry(entry);
  }

  #account(stream: StoredStream, boot: Boot): Account {
    const key = accountId(stream, boot.bootId);
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = new Account(boot, stream);
      this.#accounts.set(key, account);
    }
    return account;
  }

  #queue(stream: StoredStream): StreamQueue {
    const queue = this.#queues.get(stream);
    if (queue === undefined) throw new Error(`no queue for ${stream}`);
    return queue;
  }
}
