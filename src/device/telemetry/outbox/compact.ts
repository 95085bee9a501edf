import { payloadSchemaOf } from '../../../contract/telemetry/payloads.ts';
import { streamRow, type StoredStream, type StreamBody } from '../../../contract/telemetry/streams.ts';
import { mergeDrift, mergeMetrics } from './merge-windows.ts';
import type { Entry } from './entry.ts';
import type { Outbox } from './outbox.ts';
import type { OutboxBounds } from './stream-queue.ts';

/** Where merging ends: a share of the bounds, so that it does not begin again with the next message. */
const ENOUGH = 0.9;

/** What merging needs of an outbox and its disk. */
interface Compactable {
  readonly outbox: Outbox;
  payload(entry: Entry): Promise<string | null>;
}

/** Pairs merged at a time, at most: the thread does other things in between. */
const MAX_PAIRS = 200;

interface Merged {
  readonly body: object;
  readonly timestamp: string;
}

type Merger = (older: string, newer: string) => Merged | null;

/** How two neighbors become one message, for each stream that merges; null if they cannot. */
const MERGERS = {
  metrics: (older, newer) => mergeTexts('metrics', older, newer, mergeMetrics),
  drift: (older, newer) => mergeTexts('drift', older, newer, mergeDrift),
} as const satisfies Partial<Record<StoredStream, Merger>>;

type MergedStream = keyof typeof MERGERS;

const MERGED_STREAMS = Object.keys(MERGERS) as MergedStream[];

function mergeTexts<Name extends StoredStream>(
  stream: Name,
  older: string,
  newer: string,
  merge: (older: StreamBody<Name>, newer: StreamBody<Name>) => object | null,
): Merged | null {
  const schema = payloadSchemaOf(stream);
  const a = schema.safeParse(JSON.parse(older)).data;
  const b = schema.safeParse(JSON.parse(newer)).data;
  const body = a === undefined || b === undefined ? null : merge(a, b);
  return b === undefined || body === null ? null : { body, timestamp: b.timestamp };
}

/**
 * Merges neighboring windows that nobody has been sent while those of their stream take more room than they may: those
 * that cover least first, the oldest first among these, so that resolution goes evenly. Where only what the disk does
 * not hold counts, the rest stays as it is: merged, it would be in memory.
 */
export async function compact(disk: Compactable, bounds: OutboxBounds): Promise<void> {
  for (const stream of MERGED_STREAMS) await compactStream(disk, stream, bounds);
}

async function compactStream(disk: Compactable, stream: MergedStream, bounds: OutboxBounds): Promise<void> {
  const queue = disk.outbox.queue(stream);
  const { maxBytes } = streamRow(stream);
  if (queue.excess(maxBytes, bounds) <= 0) return;
  let excess = queue.excess(maxBytes * ENOUGH, bounds);
  let merged = 0;
  for (const [older, newer] of smallestPairs([...queue.counted(bounds)])) {
    if (excess <= 0 || merged >= MAX_PAIRS) break;
    const bytes = older.bytes + newer.bytes;
    if (!(await mergePair(disk, MERGERS[stream], older, newer))) continue;
    excess -= bytes - newer.bytes;
    merged += 1;
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

async function mergePair(disk: Compactable, merge: Merger, older: Entry, newer: Entry): Promise<boolean> {
  const { first } = older;
  // While the disk cannot be read they stay as they are.
  const read = Promise.all([disk.payload(older), disk.payload(newer)]).catch(() => [null, null] as const);
  const [a, b] = await read;
  const merged = a === null || b === null ? null : merge(a, b);
  // Meanwhile they may have been published or dropped, or the older one stands for more than what was read.
  if (merged === null || older.first !== first || !mayMerge(older, newer)) return false;
  disk.outbox.replace(older, newer, merged.body, merged.timestamp);
  return true;
}
