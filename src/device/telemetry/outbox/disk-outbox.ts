import type { GapReason } from '../../../contract/telemetry/ranges.ts';
import {
  STORED_STREAMS,
  streamRow,
  type ReportedStream,
  type StoredStream,
} from '../../../contract/telemetry/streams.ts';
import { accountId, type Account } from './account.ts';
import type { Entry } from './entry.ts';
import { compact } from './compact.ts';
import { Outbox, type OutboxPorts } from './outbox.ts';
import { memoryStore } from './memory-store.ts';
import { Meter } from './meter.ts';
import {
  accountKey,
  accountRecord,
  entryKey,
  entryRecord,
  LINKED_KEY,
  MARKS_KEY,
  METER_KEY,
  payloadOf,
} from './records.ts';
import { recover, type Recovered } from './recover.ts';
import type { OutboxBounds } from './stream-queue.ts';
import { MAX_EARLIER_BOOTS, type MarkStore, type OutboxStore } from './store.ts';

/**
 * Numbers that are reserved ahead: a power cut loses at most these. Messages beyond them wait for the next reservation;
 * gap messages cannot, but their losses are themselves bounded by reservations.
 */
const AHEAD = { periodic: 4, event: 8, gap: 16 } as const;

export interface DiskPorts extends Pick<OutboxPorts, 'compose'> {
  /** monotonic seconds */
  now(): number;
  /** something is to be written within a moment */
  onDirty(): void;
}

/**
 * An outbox and its disk. Changes gather until `flush` writes them in one synced step. While the disk takes nothing
 * they stay in memory, and the next flush writes them.
 */
export class DiskOutbox {
  readonly outbox: Outbox;
  readonly #ports: DiskPorts;
  #meter: Meter;
  #store: OutboxStore;
  #marks: MarkStore;
  #isInMemory = false;
  /** seconds from the caller's clock to the outbox's own */
  #offset: number;
  /** what earlier boots lost is not on the disk yet: their marks must stay */
  #isUndeclared = true;
  /** the marks are those of this boot */
  #isMarked = false;
  /** accounts of earlier boots that the marks name: they must stay, or would be found to be lost */
  #named: ReadonlySet<string> = new Set();
  #namedText = '';
  #entries = new Map<string, Entry>();
  #accounts = new Set<Account>();
  #others = new Map<string, string | null>();
  #reserved: Record<string, number> = {};
  /** messages for which no number is reserved yet */
  readonly #held: (() => void)[] = [];
  #linking: Promise<void> | null = null;
  #isLinkNoted = false;
  #flushing: Promise<void> | null = null;
  #trimming: Promise<void> | null = null;

  private constructor(store: OutboxStore, marks: MarkStore, ports: DiskPorts, recovered: Recovered) {
    this.#store = store;
    this.#marks = marks;
    this.#ports = ports;
    this.#offset = recovered.clock - ports.now();
    this.#meter = new Meter(() => this.#now(), recovered.meter);
    this.outbox = new Outbox(recovered, {
      compose: ports.compose,
      now: () => this.#now(),
      onEntry: (entry) => {
        this.#entries.set(entryKey(entry), entry);
        ports.onDirty();
      },
      onAccount: (account) => {
        this.#accounts.add(account);
        ports.onDirty();
      },
    });
  }

  /**
   * Takes up what earlier boots left, declares what they lost, and begins a new boot, all of it on the disk, or in
   * memory until a flush succeeds. @throws while it cannot be read, and then nothing has changed
   */
  static async open(
    store: OutboxStore,
    marks: MarkStore,
    ports: DiskPorts,
    bootId?: string,
  ): Promise<DiskOutbox> {
    const recovered = await recover(store, await marks.read(), bootId);
    const disk = new DiskOutbox(store, marks, ports, recovered);
    disk.#declare(recovered);
    // The disk may have taken a part, such as numbers of this boot: to begin anew would use them a second time.
    await disk.#flushNow().catch(() => {
      ports.onDirty();
    });
    return disk;
  }

  /** Begins a boot without a disk: waiting messages are lost with the process unless `moveTo` moves them first. */
  static async openInMemory(ports: DiskPorts, bootId?: string): Promise<DiskOutbox> {
    const { store, marks } = memoryStore();
    const disk = await DiskOutbox.open(store, marks, ports, bootId);
    disk.#isInMemory = true;
    return disk;
  }

  get isInMemory(): boolean {
    return this.#isInMemory;
  }

  /** Whether the disk has noted this boot, so that no later one gets the same `bootCount`. */
  get isBootKnown(): boolean {
    return this.#isMarked && !this.#isInMemory;
  }

  /** Bytes that were published today. */
  get usedBytes(): number {
    return this.#meter.used;
  }

  /**
   * After a begin in memory: takes up what earlier boots left on a disk, and moves everything there.
   * @throws while it cannot be read, and then nothing has changed; or once it cannot be written, and then the next
   *   flush goes on, as after any other write that failed
   */
  async moveTo(store: OutboxStore, marks: MarkStore): Promise<void> {
    while (this.#flushing !== null) await this.#flushing.catch(() => undefined);
    this.#flushing = this.#moveNow(store, marks).finally(() => {
      this.#flushing = null;
    });
    await this.#flushing;
  }

  async #moveNow(store: OutboxStore, marks: MarkStore): Promise<void> {
    const recovered = await recover(store, await marks.read(), this.outbox.boot.bootId);
    // What memory holds would have to be fetched under keys that change.
    for (const entry of this.outbox.content().entries) {
      const payload = await this.payload(entry);
      if (entry.state !== 'gone') entry.payload ??= payload;
    }
    this.#isInMemory = false;
    this.#isUndeclared = true;
    this.#isMarked = false;
    this.#named = new Set();
    this.#store = store;
    this.#marks = marks;
    this.#reserved = {};
    this.#entries = new Map();
    const { used } = this.#meter;
    this.#offset += recovered.clock;
    this.#meter = new Meter(() => this.#now(), recovered.meter);
    if (used > 0) this.countBytes(used);
    this.outbox.adopt(recovered, recovered.clock);
    if (this.#linking !== null) this.#others.set(LINKED_KEY, String(this.outbox.boot.bootCount));
    this.#declare(recovered);
    const wasLinkNoted = this.#isLinkNoted;
    this.#isLinkNoted = false;
    await this.#flushNow().finally(() => {
      this.#isLinkNoted = wasLinkNoted;
    });
  }

  #declare({ unreadable, losses }: Recovered): void {
    for (const key of unreadable) this.#others.set(key, null);
    for (const { account, first, last, reason } of losses) this.outbox.declare(account, first, last, reason);
  }

  #now(): number {
    return this.#ports.now() + this.#offset;
  }

  /**
   * Takes a message. If no number is reserved, it gets one as soon as the disk has taken the reservation, or has
   * refused it; until then it does not count as produced.
   */
  put(stream: ReportedStream, body: object): void {
    this.#whenReserved(stream, () => this.outbox.put(stream, body));
  }

  /** Counts a message that was made and cannot be kept. */
  lose(stream: ReportedStream, reason: GapReason): void {
    this.#whenReserved(stream, () => this.outbox.lose(stream, reason));
  }

  /** Writes what changed. One write at a time; changes that come meanwhile go with the next. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flushNow().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  get isDirty(): boolean {
    return this.#held.length + this.#entries.size + this.#accounts.size + this.#others.size > 0;
  }

  /** Counts bytes that are about to be published; the disk follows with what else changes. */
  countBytes(bytes: number): void {
    this.#meter.add(bytes);
    this.#others.set(METER_KEY, this.#meter.record());
  }

  /** The link came up: waiting messages may be known to the fleet from now on. Resolves once the disk knows. */
  noteLinked(): Promise<void> {
    this.#linking ??= this.#noteLinkedNow().finally(() => {
      this.#isLinkNoted = true;
    });
    return this.#linking;
  }

  /**
   * Whether the disk knows, or has refused to note, that there was a link: before, what waits from earlier boots must
   * not be sent, since after a power cut it would be merged.
   */
  get isLinkNoted(): boolean {
    return this.#isLinkNoted;
  }

  async #noteLinkedNow(): Promise<void> {
    this.#others.set(LINKED_KEY, String(this.outbox.boot.bootCount));
    // A write that is under way may have begun without it.
    await this.#flushing?.catch(() => undefined);
    await this.flush();
  }

  /** The message as it is published; null if the disk no longer has it. Rejects while the disk cannot be read. */
  async payload(entry: Entry): Promise<string | null> {
    return (await this.payloads([entry])).get(entry) ?? null;
  }

  /** The messages as they are published, without those that the disk no longer has. Rejects as `payload` does. */
  async payloads(entries: readonly Entry[]): Promise<ReadonlyMap<Entry, string>> {
    const payloads = new Map<Entry, string>();
    const onDisk: Entry[] = [];
    for (const entry of entries) {
      if (entry.payload === null) onDisk.push(entry);
      else payloads.set(entry, entry.payload);
    }
    if (onDisk.length === 0) return payloads;
    const records = await this.#store.read(onDisk.map(entryKey));
    for (const [index, entry] of onDisk.entries()) {
      const record = records[index];
      const payload = record === undefined ? null : payloadOf(record);
      if (payload !== null) payloads.set(entry, payload);
    }
    return payloads;
  }

  /**
   * Keeps the streams within their bounds: first by merging, then by dropping what is oldest. One at a time: a call
   * while one runs waits for that one.
   */
  trim(bounds: OutboxBounds): Promise<void> {
    // Without a disk all of it is in memory.
    this.#trimming ??= this.#trimNow(this.#isInMemory ? { ...bounds, of: 'all' } : bounds).finally(() => {
      this.#trimming = null;
    });
    return this.#trimming;
  }

  async #trimNow(bounds: OutboxBounds): Promise<void> {
    await compact(this, bounds);
    this.outbox.trim(bounds);
  }

  /** Writes the rest and gives back what was reserved and not used. */
  async close(): Promise<void> {
    try {
      await this.#flushing?.catch(() => undefined);
      await this.flush();
      await this.#nameEarlier();
      await this.#mark(Object.fromEntries(this.outbox.nextNumbers()));
      await this.#write();
    } finally {
      await this.#marks.close().finally(() => this.#store.close());
    }
  }

  /** Resolves once all is on the disk, and numbers are reserved, in the file and in the store's copy. */
  async #flushNow(): Promise<void> {
    try {
      // The marks of the last boot are overwritten only once what they say is declared.
      if (this.#isUndeclared) await this.#write();
      this.#isUndeclared = false;
      await this.#reserve();
    } catch (error) {
      this.#takeHeld();
      if (!this.#isUndeclared) await this.#write();
      throw error;
    }
    this.#takeHeld();
    await this.#write();
  }

  /** If the disk takes no reservation, messages are better numbered without one than lost. */
  #takeHeld(): void {
    for (const take of this.#held.splice(0)) take();
  }

  #whenReserved(stream: ReportedStream, take: () => void): void {
    const next = this.outbox.nextNumbers().get(stream) ?? 0;
    if (this.#held.length === 0 && next < (this.#reserved[stream] ?? 0)) take();
    else {
      this.#held.push(take);
      this.#ports.onDirty();
    }
  }

  async #write(): Promise<void> {
    const entries = this.#entries;
    const accounts = this.#accounts;
    const others = this.#others;
    this.#entries = new Map();
    this.#accounts = new Set();
    this.#others = new Map();
    const changes = new Map(others);
    const payloads = new Map<Entry, string>();
    for (const [key, entry] of entries) {
      if (entry.state === 'gone') changes.set(key, null);
      else if (entry.payload !== null) {
        payloads.set(entry, entry.payload);
        changes.set(key, entryRecord(entry, entry.payload));
      }
    }
    // While the marks are those of an earlier boot, a forgotten account would be found to lack what they reserved.
    const done = new Set(
      this.#isMarked ? this.outbox.doneAccounts().filter((one) => !this.#isNamed(one)) : [],
    );
    for (const account of accounts)
      changes.set(accountKey(account), done.has(account) ? null : accountRecord(account));
    if (changes.size === 0) return;
    try {
      await this.#store.write(changes);
    } catch (error) {
      this.#entries = new Map([...entries, ...this.#entries]);
      this.#accounts = new Set([...accounts, ...this.#accounts]);
      this.#others = new Map([...others, ...this.#others]);
      throw error;
    }
    for (const [entry, payload] of payloads) {
      if (entry.payload === payload) entry.payload = null;
    }
    for (const account of done) if (accounts.has(account)) this.outbox.forget(account);
  }

  /** Reserves numbers ahead of those in use, where few are left. */
  async #reserve(): Promise<void> {
    const next = this.outbox.nextNumbers();
    const more = this.#held.length;
    const isLow = (stream: StoredStream): boolean =>
      (next.get(stream) ?? 0) + more + ahead(stream) / 2 > (this.#reserved[stream] ?? 0);
    if (!STORED_STREAMS.some(isLow)) return;
    const reserved = Object.fromEntries(
      STORED_STREAMS.map((stream) => [stream, (next.get(stream) ?? 0) + more + ahead(stream)]),
    );
    await this.#nameEarlier();
    await this.#mark(reserved);
    this.#reserved = reserved;
  }

  /** Notes, where the loss of the store does not reach, which earlier boots have something that waits. */
  async #nameEarlier(): Promise<void> {
    const boots = this.outbox.unfinishedBoots().slice(-MAX_EARLIER_BOOTS);
    const text = JSON.stringify(boots);
    if (this.#isMarked && text === this.#namedText) return;
    await this.#marks.writeEarlier(boots);
    this.#namedText = text;
    this.#named = new Set(
      boots.flatMap((boot) => Object.keys(boot.next).map((stream) => accountId(stream, boot.bootId))),
    );
    for (const account of this.outbox.doneAccounts()) this.#accounts.add(account);
  }

  #isNamed({ boot, stream }: Account): boolean {
    return this.#named.has(accountId(stream, boot.bootId));
  }

  /** The copy in the store follows with the next write. */
  async #mark(reserved: Record<string, number>): Promise<void> {
    const marks = { ...this.outbox.boot, reserved };
    await this.#marks.write(marks);
    this.#others.set(MARKS_KEY, JSON.stringify(marks));
    if (this.#isMarked) return;
    this.#isMarked = true;
    for (const account of this.outbox.doneAccounts()) this.#accounts.add(account);
  }
}

function ahead(stream: StoredStream): number {
  if (streamRow(stream).overflow === 'kept') return AHEAD.gap;
  return streamRow(stream).periodSeconds === null ? AHEAD.event : AHEAD.periodic;
}
