import { crc32 } from '@foxglove/crc';
import { z } from 'zod';
import { tryParseJson } from '../../../contract/json.ts';
import { bodySchemaOf } from '../../../contract/telemetry/payloads.ts';
import { STORED_STREAMS } from '../../../contract/telemetry/streams.ts';
import { Account, type Boot } from './account.ts';
import { Declared } from './declared.ts';
import { newEntry, type Entry } from './entry.ts';
import type { Marks } from './store.ts';

/** How entries and accounts are written to the disk: one record each, under keys that sort by stream, boot, number. */

const ENTRIES = 'e!';
const ACCOUNTS = 'a!';
/** Key of the last boot that had a connection: its entries, and older ones, may be known to the fleet. */
export const LINKED_KEY = 's!linked';

/** Key of the bytes that were published today. */
export const METER_KEY = 's!meter';

/** Key of a copy of the marks, in case that their file is lost: it is as new as the rest of the database. */
export const MARKS_KEY = 's!marks';

const streamSchema = z.enum(STORED_STREAMS);
const countSchema = z.int().min(0);
const rangeSchema = z.tuple([countSchema, countSchema]);

export const marksSchema = z.object({
  bootId: z.uuid(),
  bootCount: countSchema,
  reserved: z.record(z.string(), countSchema),
});

export const earlierBootSchema = z.object({
  bootId: z.uuid(),
  bootCount: countSchema,
  next: z.record(z.string(), countSchema),
});

const accountSchema = z.object({
  stream: streamSchema,
  bootId: z.uuid(),
  bootCount: countSchema,
  next: countSchema,
  settled: z.array(rangeSchema),
  declared: z.record(z.string(), z.object({ count: countSchema, ranges: z.array(rangeSchema) })).optional(),
});

const entrySchema = z.object({
  stream: streamSchema,
  bootId: z.uuid(),
  bootCount: countSchema,
  first: countSchema,
  last: countSchema,
  putAt: z.number(),
  crc: z.int(),
});

const padded = (count: number, digits: number): string => String(count).padStart(digits, '0');

export function entryKey({ account: { stream, boot }, last }: Entry): string {
  return `${ENTRIES}${stream}!${padded(boot.bootCount, 10)}!${padded(last, 16)}`;
}

export function accountKey({ stream, boot }: Account): string {
  return `${ACCOUNTS}${stream}!${padded(boot.bootCount, 10)}`;
}

export const isEntryKey = (key: string): boolean => key.startsWith(ENTRIES);
export const isAccountKey = (key: string): boolean => key.startsWith(ACCOUNTS);

export function accountRecord({ stream, boot, next, settled, declared }: Account): string {
  return JSON.stringify({ stream, ...boot, next, settled: settled.ranges(), declared: declared.records() });
}

/** Marks as the disk holds them; null for what is none. */
export function readMarks(record: string): Marks | null {
  return marksSchema.safeParse(tryParseJson(record)).data ?? null;
}

/** A line of metadata, then the payload. */
export function entryRecord({ account, first, last, putAt }: Entry, payload: string): string {
  const { stream, boot } = account;
  const meta = { stream, ...boot, first, last, putAt, crc: crc32(Buffer.from(payload)) };
  return `${JSON.stringify(meta)}\n${payload}`;
}

/** An account as the disk holds it; null for what is not one. */
export function readAccount(record: string): Account | null {
  const { data } = accountSchema.safeParse(tryParseJson(record));
  if (data === undefined) return null;
  const { bootId, bootCount, stream, next, settled, declared = {} } = data;
  return new Account({ bootId, bootCount }, stream, next, settled, Declared.of(declared));
}

export interface EntryRecord {
  readonly boot: Boot;
  readonly stream: Account['stream'];
  /** its entry, once its account is known */
  entryOf(account: Account): Entry;
}

/** An entry as the disk holds it, its payload left there; null for what is not one, or was changed. */
export function readEntry(record: string): EntryRecord | null {
  const parts = splitRecord(record);
  if (parts === null) return null;
  const { meta, payload } = parts;
  const { bootId, bootCount, stream, first, last, putAt } = meta;
  const gap = stream === 'gap' ? (bodySchemaOf('gap').safeParse(tryParseJson(payload)).data ?? null) : null;
  // The payload must not be held until all records are read: after days without a broker that is tens of MiB.
  const bytes = Buffer.byteLength(payload);
  return {
    boot: { bootId, bootCount },
    stream,
    entryOf: (account) => ({ ...newEntry(account, last, putAt, '', gap), first, bytes, payload: null }),
  };
}

/** The payload of an entry's record; null if the record was changed. */
export function payloadOf(record: string): string | null {
  return splitRecord(record)?.payload ?? null;
}

function splitRecord(record: string): { meta: z.infer<typeof entrySchema>; payload: string } | null {
  const end = record.indexOf('\n');
  const { data: meta } = entrySchema.safeParse(tryParseJson(record.slice(0, Math.max(0, end))));
  const payload = record.slice(end + 1);
  if (meta === undefined || meta.first > meta.last || crc32(Buffer.from(payload)) !== meta.crc) return null;
  return { meta, payload };
}
