import { NumberSet } from '../../core/ledger/number-set.ts';
import { jsonArray, numberArray } from './binary-array.ts';
import type { Database, Session } from './database.ts';
import type { FleetMessage } from './fleet-message.ts';
import { LedgerIndex } from './ledger-index.ts';
import { formatMultirange } from './multirange.ts';

const STORE = {
  name: 'store-messages',
  text:
    'select id, messages from fleet.store_messages($1::int8[], $2::int8[], $3::int8[], $4::float8[], $5::float8[], ' +
    '$6::bool[], $7::json[], $8::float8[], $9::int8[], $10::text[])',
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
   * @param session of a transaction that it is part of; else it is its own
   * @throws GoshawkError GOSHAWK_DATABASE_UNREACHABLE, GOSHAWK_DATABASE_REFUSED; SqlError
   */
  async store(messages: readonly FleetMessage[], session: Session = this.#database): Promise<StoreCounts> {
    const ids = await this.#index.resolve(messages);
    const declared = declarations(messages, ids);
    const rows = await this.#insert(session, messages, ids.own, declared);
    const fresh = new Map(rows.map(({ id, messages: stored }) => [id, stored]));
    return count(messages, ids.own, fresh);
  }

  #insert(
    session: Session,
    messages: readonly FleetMessage[],
    ids: readonly number[],
    declared: ReadonlyMap<number, NumberSet>,
  ): Promise<readonly { readonly id: number; readonly messages: number }[]> {
    const column = (type: 'int8' | 'float8', value: (message: FleetMessage) => number | null): Buffer =>
      numberArray(type, messages.map(value));
    return this.#index.forgetting(() =>
      session.query({
        ...STORE,
        values: [
          numberArray('int8', ids),
          column('int8', ({ firstId }) => firstId),
          column('int8', ({ lastId }) => lastId),
          column('float8', ({ atMs }) => atMs),
          column('float8', ({ receivedMs }) => receivedMs),
          messages.map(({ historical }) => historical),
          jsonArray(messages.map(({ json }) => json)),
          column('float8', ({ bucketMs }) => bucketMs),
          [...declared.keys()],
          [...declared.values()].map((numbers) => formatMultirange(numbers.ranges())),
        ],
      }),
    );
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
