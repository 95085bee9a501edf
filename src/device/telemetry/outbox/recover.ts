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
  MARKS_KEY,
  METER_KEY,
  readAccount,
  readEntry,
  readMarks,
  type EntryRecord,
} from './records.ts';
import { readMeter, type SavedMeter } from './meter.ts';
import type { OutboxContent } from './outbox.ts';
import type { EarlierBoot, Marks, OutboxStore, SavedMarks } from './store.ts';

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
  /** records that cannot be read, or are of the boot that begins, to be deleted */
  readonly unreadable: readonly string[];
  /** null if none was kept */
  readonly meter: SavedMeter | null;
  /** where the outbox's own clock goes on, seconds */
  readonly clock: number;
}

/**
 * Reads what earlier boots left. Every number below what an account counted, or what was reserved when the last boot
 * ended, or that the marks name of a boot before it, is in an entry, settled, declared by a gap message, or among the
 * losses. The boot that begins comes after all of them. Of itself it takes nothing up: what it has in memory is newer.
 * @param saved the store's copy of the last boot's marks counts where it is newer
 */
export async function recover(
  store: OutboxStore,
  saved: SavedMarks,
  bootId: string = randomUUID(),
): Promise<Recovered> {
  const accounts = new Map<string, Account>();
  const found: EntryRecord[] = [];
  const unreadable: string[] = [];
  let linked = -1;
  let meter: SavedMeter | null = null;
  let { last } = saved;
  for await (const [key, record] of store.records()) {
    const account = isAccountKey(key) ? readAccount(record) : null;
    const entry = isEntryKey(key) ? readEntry(record) : null;
    if ((account ?? entry)?.boot.bootId === bootId) unreadable.push(key);
    else if (account !== null) accounts.set(accountKey(account), account);
    else if (entry !== null) found.push(entry);
    else if (key === LINKED_KEY && /^\d{1,15}$/.test(record)) linked = Number(record);
    else if (key === METER_KEY) meter = readMeter(record);
    else if (key === MARKS_KEY) last = newestMarks(last, readMarks(record));
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
  const marks: SavedMarks = { last, earlier: saved.earlier };
  const marked = markedBoots(marks);
  for (const { next, ...boot } of marked)
    for (const stream of STORED_STREAMS)
      if (boot.bootId !== bootId && (next[stream] ?? 0) > 0) accountOf(boot, stream);
  const losses = [...accounts.values()].flatMap((account) => lossesOf(account, entries, marks));
  const counted = [...[...accounts.values()].map(({ boot }) => boot), ...marked];
  const bootCount = counted.reduce((most, boot) => Math.max(most, boot.bootCount), linked) + 1;
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

function markedBoots({ last, earlier }: SavedMarks): readonly EarlierBoot[] {
  if (last === null) return earlier;
  const { reserved, ...boot } = last;
  return [...earlier, { ...boot, next: reserved }];
}

/** Of the same boot everything that either reserved: the older one may lack numbers that are in use. */
function newestMarks(file: Marks | null, copy: Marks | null): Marks | null {
  if (file === null || copy === null) return file ?? copy;
  if (file.bootCount !== copy.bootCount) return file.bootCount > copy.bootCount ? file : copy;
  const most = STORED_STREAMS.map((stream): [string, number] => [
    stream,
    Math.max(file.reserved[stream] ?? 0, copy.reserved[stream] ?? 0),
  ]);
  return { ...file, reserved: Object.fromEntries(most) };
}

/**
 * Numbers of an account of which neither an entry nor a gap message is left, and what the marks say was in use or
 * reserved beyond them.
 */
export function lossesOf(account: Account, entries: readonly Entry[], marks: SavedMarks | null): Loss[] {
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
  const beyond = marks === null ? null : beyondOf(account, marks);
  if (beyond !== null && beyond.next > next)
    losses.push({ account, first: next, last: beyond.next - 1, reason: beyond.reason });
  return losses;
}

/** Of the last boot numbers may not have been used; those of boots before it were on the disk when it began. */
function beyondOf(
  { boot, stream }: Account,
  { last, earlier }: SavedMarks,
): { next: number; reason: GapReason } {
  const named = earlier.find(({ bootId }) => bootId === boot.bootId)?.next[stream] ?? 0;
  if (last?.bootId !== boot.bootId) return { next: named, reason: 'corrupted' };
  return { next: Math.max(named, last.reserved[stream] ?? 0), reason: 'unsynced' };
}

function isAbout({ stream, lostBootId }: StreamBody<'gap'>, account: Account): boolean {
  return stream === account.stream && lostBootId === account.boot.bootId;
}
