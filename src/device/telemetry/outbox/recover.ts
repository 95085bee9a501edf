import { randomUUID } from 'node:crypto';
import type { GapReason } from '../../../contract/telemetry/ranges.ts';
import { STORED_STREAMS, type StoredStream, type StreamBody } from '../../../contract/telemetry/streams.ts';
import { Account, type Boot } from './account.ts';
import type { Entry } from './entry.ts';
import {
  accountKey,
  isAccountKey,
  isEntryKey,
  LINKED_KEY,
  METER_KEY,
  readAccount,
  readEntry,
  type EntryRecord,
} from './records.ts';
import { readMeter, type SavedMeter } from './meter.ts';
import type { OutboxContent } from './outbox.ts';
import type { Marks, OutboxStore } from './store.ts';

/** Numbers that earlier boots may have used and of which nothing is left. */
export interface Loss {
  readonly account: Account;
  readonly first: number;
  readonly last: number;
  readonly reason: GapReason;
}

/** What earlier boots left behind, and the boot that begins. */
export interface Recovered extends OutboxContent {
  readonly losses: readonly Loss[];
  /** records that cannot be read, to be deleted */
  readonly unreadable: readonly string[];
  /** null if none was kept */
  readonly meter: SavedMeter | null;
  /** where the outbox's own clock goes on, seconds */
  readonly clock: number;
}

/**
 * Reads what earlier boots left. Every number below what an account counted, or what was reserved when the last boot
 * ended, is in an entry, settled, declared by a gap message, or among the losses. The boot
 * that begins comes after all of them.
 * @param marks null if there are none
 */
export async function recover(
  store: OutboxStore,
  marks: Marks | null,
  bootId: string = randomUUID(),
): Promise<Recovered> {
  const accounts = new Map<string, Account>();
  const found: EntryRecord[] = [];
  const unreadable: string[] = [];
  let linked = -1;
  let meter: SavedMeter | null = null;
  for await (const [key, record] of store.records()) {
    const account = isAccountKey(key) ? readAccount(record) : null;
    const entry = isEntryKey(key) ? readEntry(record) : null;
    if (account !== null) accounts.set(accountKey(account), account);
    else if (entry !== null) found.push(entry);
    else if (key === LINKED_KEY && /^\d{1,15}$/.test(record)) linked = Number(record);
    else if (key === METER_KEY) meter = readMeter(record);
    else unreadable.push(key);
  }
  const accountOf = (boot: Boot, stream: StoredStream): Account => {
    const fresh = new Account(boot, stream);
    const key = accountKey(fresh);
    const known = accounts.get(key);
    if (known === undefined) accounts.set(key, fresh);
    return known ?? fresh;
  };
  const entries = found.map((record) => record.entryOf(accountOf(record.boot, record.stream)));
  for (const entry of entries) entry.mayBeSent = entry.account.boot.bootCount <= linked;
  if (marks !== null) {
    const boot = { bootId: marks.bootId, bootCount: marks.bootCount };
    for (const stream of STORED_STREAMS) if ((marks.reserved[stream] ?? 0) > 0) accountOf(boot, stream);
  }
  const losses = [...accounts.values()].flatMap((account) => lossesOf(account, entries, marks));
  const counts = [...accounts.values()].map(({ boot }) => boot.bootCount);
  const bootCount = Math.max(-1, marks?.bootCount ?? -1, ...counts) + 1;
  const clock = entries.reduce((latest, { putAt }) => Math.max(latest, putAt), meter?.clock ?? 0);
  entries.sort((a, b) => a.account.boot.bootCount - b.account.boot.bootCount || a.last - b.last);
  return {
    boot: { bootId, bootCount },
    accounts: [...accounts.values()],
    entries,
    losses,
    unreadable,
    meter,
    clock,
  };
}

/** Numbers of an account of which neither an entry nor a gap message is left, and what was reserved beyond them. */
export function lossesOf(account: Account, entries: readonly Entry[], marks: Marks | null): Loss[] {
  const known = new Account(account.boot, account.stream, account.next, account.settled.ranges()).settled;
  let next = account.next;
  for (const entry of entries) {
    if (entry.gap !== null && isAbout(entry.gap, account)) known.addAll(entry.gap.ranges);
    if (entry.account !== account) continue;
    known.add(entry.first, entry.last);
    next = Math.max(next, entry.last + 1);
  }
  const missing = known.missing(0, next - 1).ranges();
  const losses = missing.map(([first, last]): Loss => ({ account, first, last, reason: 'corrupted' }));
  account.next = next;
  const reserved = marks?.bootId === account.boot.bootId ? (marks.reserved[account.stream] ?? 0) : 0;
  if (reserved > next) losses.push({ account, first: next, last: reserved - 1, reason: 'unsynced' });
  return losses;
}

function isAbout({ stream, lostBootId }: StreamBody<'gap'>, account: Account): boolean {
  return stream === account.stream && lostBootId === account.boot.bootId;
}
