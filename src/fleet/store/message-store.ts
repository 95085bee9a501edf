import { NumberSet } from '../../core/ledger/number-set.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { jsonbArray } from './binary-array.ts';
import type { Database, Session } from './database.ts';
import type { FleetMessage } from './fleet-message.ts';
import { LedgerIndex } from './ledger-index.ts';
import { formatMultirange } from './multirange.ts';

const LOCK_ROWS = {
  name: 'lock-ledger',
  text: 'select id from fleet.ledger where id = any($1::int8[]) order by id for update',
} as const;

/** What a merged message replaces, where a part of it was stored before it was merged. */
const DELETE_MERGED = {
  name: 'delete-merged',
  text: `
    delete from fleet.messages m
    using unnest($1::int8[], $2::int8[], $3::int8[]) as i (ledger, first_id, last_id)
    join fleet.ledger l on l.id = i.ledger
    where l.stored && int8range(i.first_id, i.last_id, '[]')
      and not l.stored @> int8range(i.first_id, i.last_id, '[]')
      and m.ledger = i.ledger and m.first_id >= i.first_id and m.last_id <= i.last_id`,
} as const;

const STORE = {
  name: 'store-messages',
  text: `
    with fresh as materialized (
      select i.*
      from unnest($1::int8[], $2::int8[], $3::int8[], $4::float8[], $5::float8[], $6::bool[], $7::jsonb[])
        as i (ledger, first_id, last_id, at_ms, received_ms, historical, payload)
      join fleet.ledger l on l.id = i.ledger
      where not l.stored @> int8range(i.first_id, i.last_id, '[]')
    ), kept as (
      insert into fleet.messages (received_at, ledger, first_id, last_id, at, historical, payload)
      select to_timestamp(received_ms / 1000), ledger, first_id, last_id, to_timestamp(at_ms / 1000), historical,
        payload
      from fresh
    )
    update fleet.ledger l set
      stored = l.stored + f.numbers,
      last_received = greatest(l.last_received, to_timestamp(f.received_ms / 1000)),
      last_at = case when f.last_id >= coalesce(upper(l.stored), 0) then to_timestamp(f.at_ms / 1000)
        else l.last_at end
    from (
      select ledger, count(*) as messages, range_agg(int8range(first_id, last_id, '[]')) as numbers,
        max(received_ms) as received_ms, max(last_id) as last_id,
        (array_agg(at_ms order by last_id desc))[1] as at_ms
      from fresh group by ledger
    ) f
    where l.id = f.ledger
    returning l.id, f.messages`,
} as const;

const DECLARE = {
  name: 'declare-gaps',
  text: `
    update fleet.ledger l set declared = l.declared + d.numbers::int8multirange
    from unnest($1::int8[], $2::text[]) as d (ledger, numbers)
    where l.id = d.ledger`,
} as const;

/** How many messages of each stream were stored now, and how many had been already. */
export interface StoreCounts {
  readonly stored: ReadonlyMap<string, number>;
  readonly duplicates: ReadonlyMap<string, number>;
}

/**
 * Stores messages so that each is there once, however often and through however many ingestors it comes, and keeps the
 * ledger in the same transaction.
 */
export class MessageStore {
  readonly #database: Database;
  readonly #index: LedgerIndex;

  constructor(database: Database) {
    this.#database = database;
    this.#index = new LedgerIndex(database);
  }

  /**
   * One transaction for all of them: when this resolves they are on the disk.
   * @param messages no two of one stream and boot have numbers in common
   * @throws GoshawkError GOSHAWK_DATABASE_UNREACHABLE, GOSHAWK_DATABASE_REFUSED; SqlError
   */
  async store(messages: readonly FleetMessage[]): Promise<StoreCounts> {
    const ids = await this.#index.resolve(messages);
    const declared = declarations(messages, ids);
    const rows = [...new Set([...ids.own, ...declared.keys()])];
    const fresh = await this.#database.transaction(async (session) => {
      const locked = await session.query({ ...LOCK_ROWS, values: [rows] });
      if (locked.length !== rows.length) throw this.#vanished();
      await deleteMerged(session, messages, ids.own);
      const stored = await insert(session, messages, ids.own);
      if (declared.size > 0)
        await session.query({
          ...DECLARE,
          values: [
            [...declared.keys()],
            [...declared.values()].map((numbers) => formatMultirange(numbers.ranges())),
          ],
        });
      return stored;
    });
    return count(messages, ids.own, fresh);
  }

  /** Rows that were there are not: somebody emptied the tables, or put another database in this one's place. */
  #vanished(): GoshawkError {
    this.#index.forget();
    const reason = 'rows of the ledger vanished: it was emptied or replaced while this process ran';
    return new GoshawkError('GOSHAWK_DATABASE_UNREACHABLE', { database: this.#database.name, reason });
  }
}

function declarations(
  messages: readonly FleetMessage[],
  ids: { readonly declared: readonly (number | null)[] },
): Map<number, NumberSet> {
  const declared = new Map<number, NumberSet>();
  messages.forEach(({ declares }, at) => {
    const id = ids.declared[at];
    if (declares === null || id === null || id === undefined) return;
    const numbers = declared.get(id) ?? new NumberSet();
    numbers.addAll(declares.ranges);
    declared.set(id, numbers);
  });
  return declared;
}

async function deleteMerged(
  session: Session,
  messages: readonly FleetMessage[],
  ids: readonly number[],
): Promise<void> {
  const merged = messages.flatMap(({ firstId, lastId }, at) =>
    firstId < lastId ? [{ id: ids[at], firstId, lastId }] : [],
  );
  if (merged.length === 0) return;
  const values = [
    merged.map(({ id }) => id),
    merged.map(({ firstId }) => firstId),
    merged.map(({ lastId }) => lastId),
  ];
  await session.query({ ...DELETE_MERGED, values });
}

async function insert(
  session: Session,
  messages: readonly FleetMessage[],
  ids: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const rows = await session.query<{ id: number; messages: number }>({
    ...STORE,
    values: [
      ids,
      messages.map(({ firstId }) => firstId),
      messages.map(({ lastId }) => lastId),
      messages.map(({ atMs }) => atMs),
      messages.map(({ receivedMs }) => receivedMs),
      messages.map(({ historical }) => historical),
      jsonbArray(messages.map(({ json }) => json)),
    ],
  });
  return new Map(rows.map(({ id, messages: stored }) => [id, stored]));
}

/** @param fresh by row of the ledger */
function count(
  messages: readonly FleetMessage[],
  ids: readonly number[],
  fresh: ReadonlyMap<number, number>,
): StoreCounts {
  const stored = new Map<string, number>();
  const duplicates = new Map<string, number>();
  const add = (map: Map<string, number>, stream: string, more: number): void => {
    if (more !== 0) map.set(stream, (map.get(stream) ?? 0) + more);
  };
  const seen = new Set<number>();
  messages.forEach(({ stream }, at) => {
    const id = ids[at] ?? 0;
    add(duplicates, stream, 1);
    if (seen.has(id)) return;
    seen.add(id);
    add(stored, stream, fresh.get(id) ?? 0);
    add(duplicates, stream, -(fresh.get(id) ?? 0));
  });
  return { stored, duplicates };
}
