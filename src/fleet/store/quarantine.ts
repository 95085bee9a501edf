import type { Database } from './database.ts';

/** A message that could not be stored as what it claims to be. */
export interface Quarantined {
  readonly receivedMs: number;
  readonly topic: string;
  readonly reason: string;
  readonly detail: string;
  readonly payload: Uint8Array;
}

/** Kept of a payload and of a topic. */
const MAX_PAYLOAD_BYTES = 65_536;
const MAX_TOPIC = 256;

/** Text columns take neither NUL nor halves of surrogate pairs. */
const clean = (text: string): string => Buffer.from(text.replaceAll('\0', '\uFFFD')).toString('utf8');

/** Keeps them all in one statement. Throws as `Database.query` does. */
export async function keepQuarantined(database: Database, messages: readonly Quarantined[]): Promise<void> {
  await database.query({
    name: 'keep-quarantined',
    text: `
      insert into fleet.quarantine (received_at, topic, reason, detail, bytes, payload)
      select to_timestamp(q.received_ms / 1000), q.topic, q.reason, q.detail, q.bytes, q.payload
      from unnest($1::float8[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bytea[])
        as q (received_ms, topic, reason, detail, bytes, payload)`,
    values: [
      messages.map(({ receivedMs }) => receivedMs),
      messages.map(({ topic }) => clean(topic).slice(0, MAX_TOPIC)),
      messages.map(({ reason }) => reason),
      messages.map(({ detail }) => clean(detail)),
      messages.map(({ payload }) => payload.length),
      messages.map(({ payload }) => Buffer.from(payload.subarray(0, MAX_PAYLOAD_BYTES))),
    ],
  });
}

/** Takes the oldest away beyond the newest `kept`. Throws as `Database.query` does. */
export async function trimQuarantine(database: Database, kept: number): Promise<void> {
  await database.query({
    text: `
      delete from fleet.quarantine where id <= (
        select id from fleet.quarantine order by id desc offset $1 limit 1)`,
    values: [kept],
  });
}
