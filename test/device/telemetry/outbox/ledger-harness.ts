import { randomUUID } from 'node:crypto';
import { NumberSet, type NumberRange } from '../../../../src/core/ledger/number-set.ts';
import type { LedgerRow } from '../../../../src/contract/telemetry/ledger.ts';
import type { ReportedStream, StoredStream } from '../../../../src/contract/telemetry/streams.ts';
import { ledgerRows } from '../../../../src/device/telemetry/inspect/ledger-rows.ts';
import { lossesOf } from '../../../../src/device/telemetry/outbox/recover.ts';
import { DiskOutbox } from '../../../../src/device/telemetry/outbox/disk-outbox.ts';
import type { Entry } from '../../../../src/device/telemetry/outbox/entry.ts';
import type { Draft } from '../../../../src/device/telemetry/outbox/outbox.ts';
import type { FakeDisk } from './fake-disk.ts';

interface GapMessage {
  readonly stream: StoredStream;
  readonly lostBootId: string;
  readonly ranges: readonly NumberRange[];
  readonly reason: string;
}

interface Message extends Partial<GapMessage> {
  readonly topic: StoredStream;
  readonly bootId: string;
  readonly numbers: NumberRange;
}

/** A robot that is run, cut and run again on one disk, and a fleet that keeps what it was sent. */
export class LedgerHarness {
  readonly disk: FakeDisk;
  /** by boot and stream: numbers that were given out */
  readonly #produced = new Map<string, number>();
  readonly #stored = new Map<string, NumberSet>();
  readonly #declared = new Map<string, NumberSet>();
  /** sent twice with different contents: would count twice */
  readonly contradictions: string[] = [];
  readonly #payloads = new Map<string, string>();
  /** why numbers were declared */
  readonly reasons = new Set<string>();
  #opened: DiskOutbox | null = null;
  #wasBlind = false;

  constructor(disk: FakeDisk) {
    this.disk = disk;
  }

  get outbox(): DiskOutbox {
    if (this.#opened === null) throw new Error('not booted');
    return this.#opened;
  }

  /** @param isBlind the disk cannot be used for now: the boot begins in memory */
  async boot(isBlind = false): Promise<void> {
    this.#forgetUnknownBoot();
    this.#wasBlind = isBlind || this.disk.isFull;
    const bootId = randomUUID();
    const compose = ({ stream, first, last, body }: Draft): string =>
      JSON.stringify({ topic: stream, bootId, numbers: [first, last], ...body } satisfies Message);
    const ports = { compose, now: () => 0, onDirty: () => undefined };
    this.#opened = isBlind
      ? await DiskOutbox.openInMemory(ports, bootId)
      : await DiskOutbox.open(this.disk.store, this.disk.markStore, ports, bootId).catch(() =>
          DiskOutbox.openInMemory(ports, bootId),
        );
  }

  /** The disk can be used again: a boot that began in memory moves there. */
  async mount(): Promise<void> {
    if (this.outbox.isInMemory)
      await this.outbox.moveTo(this.disk.store, this.disk.markStore).catch(() => undefined);
    this.#count();
  }

  /** What a boot made of which the disk never heard is gone with the process, and nobody can say how much. */
  #forgetUnknownBoot(): void {
    const bootId = this.#opened?.outbox.boot.bootId;
    if (!this.#wasBlind || bootId === undefined || this.disk.marks?.bootId === bootId) return;
    if ([...this.disk.records.values()].some((record) => record.includes(bootId))) return;
    for (const key of this.#produced.keys()) if (key.startsWith(bootId)) this.#produced.delete(key);
  }

  put(stream: ReportedStream): void {
    this.outbox.put(stream, {});
    this.#count();
  }

  async flush(): Promise<void> {
    await this.outbox.flush().catch(() => undefined);
    this.#count();
  }

  #count(): void {
    for (const [name, next] of this.outbox.outbox.nextNumbers())
      this.#produced.set(`${this.outbox.outbox.boot.bootId} ${name}`, next);
  }

  /** Publishes the next message. @returns it, for the fleet to store */
  async publish(): Promise<Entry | null> {
    const { outbox } = this.outbox;
    await this.outbox.noteLinked().catch(() => undefined);
    const entry = outbox.nextWaiting('live') ?? outbox.nextWaiting('history');
    if (entry === undefined) return null;
    const payload = await this.outbox.payload(entry).catch(() => undefined);
    // It waits until the disk can be read.
    if (payload === undefined) return null;
    if (payload === null) {
      outbox.drop(entry, 'corrupted');
      return null;
    }
    entry.mayBeSent = true;
    entry.state = 'sent';
    entry.resendAt = 0;
    this.#store(payload);
    return entry;
  }

  acknowledge(entry: Entry): void {
    const { stream, boot } = entry.account;
    this.outbox.outbox.acknowledge(stream, boot.bootId, [[entry.first, entry.last]]);
  }

  /** The link goes down and comes back: what is not acknowledged is sent again. */
  relink(): void {
    this.outbox.outbox.setLinked(false);
    this.outbox.outbox.setLinked(true);
  }

  /** Everything that waits arrives. */
  async drain(): Promise<void> {
    this.relink();
    for (let entry = await this.publish(); entry !== null; entry = await this.publish())
      this.acknowledge(entry);
  }

  /** Numbers that were given out and are neither stored nor declared, as `stream first-last`. */
  holes(): string[] {
    const holes: string[] = [];
    for (const [key, next] of this.#produced) {
      const known = NumberSet.of(this.#stored.get(key)?.ranges() ?? []);
      known.addAll(this.#declared.get(key)?.ranges() ?? []);
      for (const [first, last] of known.missing(0, next - 1).ranges()) holes.push(`${key} ${first}-${last}`);
    }
    return holes;
  }

  /** Rows of the ledger as it is shown that do not add up, or have numbers that nobody declared. */
  unbalanced(): LedgerRow[] {
    const content = this.outbox.outbox.content();
    const losses = content.accounts.flatMap((account) => lossesOf(account, content.entries, null));
    return ledgerRows({ ...content, losses }).filter((row) => {
      const declared = Object.values(row.declared).reduce((sum, { count }) => sum + count, 0);
      return row.undeclared.length > 0 || declared + row.waiting > row.produced;
    });
  }

  #store(payload: string): void {
    const message = JSON.parse(payload) as Message;
    const { topic, bootId, numbers } = message;
    const [first, last] = numbers;
    const key = `${bootId} ${topic}`;
    const id = `${key} ${last}`;
    if ((this.#payloads.get(id) ?? payload) !== payload) this.contradictions.push(id);
    this.#payloads.set(id, payload);
    const stored = this.#stored.get(key) ?? new NumberSet();
    stored.add(first, last);
    this.#stored.set(key, stored);
    if (topic !== 'gap') return;
    const declaredKey = `${message.lostBootId} ${message.stream}`;
    const declared = this.#declared.get(declaredKey) ?? new NumberSet();
    declared.addAll(message.ranges ?? []);
    this.reasons.add(message.reason ?? '');
    this.#declared.set(declaredKey, declared);
  }
}
