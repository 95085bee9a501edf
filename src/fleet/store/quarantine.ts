import type { Database } from './database.ts';
import type { MessageIdentity } from './fleet-message.ts';
import { LedgerIndex } from './ledger-index.ts';

/** A message that could not be stored as what it claims to be. */
export interface Quarantined {
  readonly receivedMs: number;
  readonly topic: string;
  readonly reason: string;
  readonly detail: string;
  readonly payload: Uint8Array;
  /** it came in a batch of messages that waited */
  readonly isHistory?: true;
  /** null: it cannot be kept as one of the sender's messages, but only as a sample */
  readonly identity: MessageIdentity | null;
  /** else it is only looked whether it is there already */
  readonly isToBeKept: boolean;
}

type Identified = Quarantined & { readonly identity: MessageIdentity };

/** Kept of the payload of a sample, and of a topic. */
const SAMPLE_BYTES = 65_536;
const MAX_TOPIC = 256;
/** Messages that wait here for a correction, of all robots, at most; others stay with their robots. */
const MAX_WHOLE = { messages: 100_000, bytes: 1 << 30 };

/** Text columns take neither NUL nor halves of surrogate pairs. */
const clean = (text: string): string => Buffer.from(text.replaceAll('\0', '\uFFFD')).toString('utf8');

/**
 * Where refused messages are kept: those whose sender and numbers can be read, whole and under their row of the ledger,
 * so that the robot may forget them; of the others, samples.
 */
export class QuarantineStore {
  readonly #database: Database;
  readonly #index: LedgerIndex;

  constructor(database: Database) {
    this.#database = database;
    this.#index = new LedgerIndex(database);
  }

  /**
   * Keeps them, those that are there already once.
   * @returns for each whether it is on the disk, whole or stored meanwhile
   * @throws as `Database.query` does
   */
  async keep(messages: readonly Quarantined[]): Promise<readonly boolean[]> {
    const whole = messages.filter((one): one is Identified => one.identity !== null);
    await this.#keepSamples(messages.filter(({ identity, isToBeKept }) => identity === null && isToBeKept));
    const kept = await this.#keepWhole(whole);
    return messages.map((one) => kept.has(one));
  }

  async #keepSamples(messages: readonly Quarantined[]): Promise<void> {
    if (messages.length === 0) return;
    await this.#database.query({
      name: 'keep-samples',
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
        messages.map(({ payload }) => Buffer.from(payload.subarray(0, SAMPLE_BYTES))),
      ],
    });
  }

  async #keepWhole(messages: readonly Identified[]): Promise<ReadonlySet<Quarantined>> {
    await this.#index.make(messages.filter(({ isToBeKept }) => isToBeKept).map(({ identity }) => identity));
    const ids = await this.#index.find(messages.map(({ identity }) => identity));
    const known = messages.flatMap((message, at) => {
      const id = ids[at] ?? null;
      return id === null ? [] : [{ message, id }];
    });
    if (known.length === 0) return new Set();
    const rows = await this.#index.forgetting(() =>
      this.#database.query<{ readonly place: number }>({
        name: 'quarantine-messages',
        text:
          'select place from fleet.quarantine_messages($1::int8[], $2::int8[], $3::int8[], $4::float8[], ' +
          '$5::bool[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::int8, $11::int8)',
        values: [
          known.map(({ id }) => id),
          known.map(({ message }) => message.identity.firstId),
          known.map(({ message }) => message.identity.lastId),
          known.map(({ message }) => message.receivedMs),
          known.map(({ message }) => message.isHistory === true),
          known.map(({ message }) => message.topic),
          known.map(({ message }) => message.reason),
          known.map(({ message }) => clean(message.detail)),
          known.map(({ message: { isToBeKept, payload } }) => (isToBeKept ? Buffer.from(payload) : null)),
          MAX_WHOLE.messages,
          MAX_WHOLE.bytes,
        ],
      }),
    );
    return new Set(rows.flatMap(({ place }) => known[place - 1]?.message ?? []));
  }
}

/** Takes the oldest samples away beyond the newest `kept`. Throws as `Database.query` does. */
export async function trimQuarantine(database: Database, kept: number): Promise<void> {
  await database.query({
    text: `
      delete from fleet.quarantine where ledger is null and id <= (
        select id from fleet.quarantine where ledger is null order by id desc offset $1 limit 1)`,
    values: [kept],
  });
}
