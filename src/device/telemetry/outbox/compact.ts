import { streamRow, type StoredStream } from '../../../contract/telemetry/streams.ts';
import { payloadSchemaOf } from '../../../contract/telemetry/payloads.ts';
import { areMergeable, mergeWindows } from './merge-windows.ts';
import type { Entry } from './entry.ts';
import type { Outbox } from './outbox.ts';

/** Where merging ends: a share of the bound, so that it does not begin again with the next message. */
const ENOUGH = 0.9;

/** What merging needs of an outbox and its disk. */
interface Compactable {
  readonly outbox: Outbox;
  payload(entry: Entry): Promise<string | null>;
}

/** Pairs merged at a time, at most: the thread does other things in between. */
const MAX_PAIRS = 200;

/**
 * Merges neighboring windows of metrics that nobody has been sent while they take more room than they may: those
 * that cover least first, the oldest first among these, so that resolution goes evenly.
 */
export async function compact(disk: Compactable, share: number): Promise<void> {
  const stream = 'metrics' satisfies StoredStream;
  const queue = disk.outbox.queue(stream);
  const maxBytes = streamRow(stream).maxBytes * share;
  if (queue.bytes <= maxBytes) return;
  let merged = 0;
  for (const [older, newer] of smallestPairs([...queue.all()])) {
    if (queue.bytes <= maxBytes * ENOUGH || merged >= MAX_PAIRS) break;
    if (await mergePair(disk, older, newer)) merged += 1;
  }
}

/** Neighbors that may merge and together cover at most twice what the smallest such pair covers; none twice. */
function smallestPairs(entries: readonly Entry[]): [Entry, Entry][] {
  const pairs: [Entry, Entry][] = [];
  for (let i = 1; i < entries.length; i += 1) {
    const [older, newer] = [entries[i - 1], entries[i]];
    if (older !== undefined && newer !== undefined && mayMerge(older, newer)) pairs.push([older, newer]);
  }
  const coverOf = ([older, newer]: [Entry, Entry]): number => newer.last - older.first + 1;
  const smallest = pairs.reduce((least, pair) => Math.min(least, coverOf(pair)), Infinity);
  const taken = new Set<Entry>();
  return pairs.filter((pair) => {
    if (coverOf(pair) > 2 * smallest || pair.some((entry) => taken.has(entry))) return false;
    for (const entry of pair) taken.add(entry);
    return true;
  });
}

function mayMerge(older: Entry, newer: Entry): boolean {
  const isFree = ({ state, mayBeSent }: Entry): boolean => state === 'waiting' && !mayBeSent;
  return isFree(older) && isFree(newer) && older.account === newer.account && older.last + 1 === newer.first;
}

async function mergePair(disk: Compactable, older: Entry, newer: Entry): Promise<boolean> {
  const payloads = await Promise.all([disk.payload(older), disk.payload(newer)]);
  const [a, b] = payloads.map((payload) =>
    payload === null ? undefined : payloadSchemaOf('metrics').safeParse(JSON.parse(payload)).data,
  );
  // Meanwhile they may have been published, or dropped.
  if (a === undefined || b === undefined || !areMergeable(a, b) || !mayMerge(older, newer)) return false;
  disk.outbox.replace(older, newer, { ...mergeWindows(a, b) }, b.timestamp);
  return true;
}
