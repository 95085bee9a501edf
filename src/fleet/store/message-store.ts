import { NumberSet } from '../../core/ledger/number-set.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { jsonbArray } from './binary-array.ts';
import { SqlError, type Database } from './database.ts';
import type { FleetMessage } from './fleet-message.ts';
import { LedgerIndex } from './ledger-index.ts';
import { formatMultirange } from './multirange.ts';

const STORE = {
  name: 'store-messages',
  text:
    'select id, messages from fleet.store_messages($1::int8[], $2::int8[], $3::int8[], $4::float8[], $5::float8[], ' +
    '$6::bool[], $7::jsonb[], $8::int8[], $9::text[])',
} as const;

/** SQLSTATE with which the function says that rows of the ledger are not there any more. */
const VANISHED = 'GF001';

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
    const rows = await this.#insert(messages, ids.own, declared);
    const fresh = new Map(rows.map(({ id, messages: stored }) => [id, stored]));
    return count(messages, ids.own, fresh);
  }

  async #insert(
    messages: readonly FleetMessage[],
    ids: readonly number[],
    declared: ReadonlyMap<number, NumberSet>,
  ): Promise<readonly { readonly id: number; readonly messages: number }[]> {
    try {
      return await this.#database.query({
        ...STORE,
        values: [
          ids,
          messages.map(({ firstId }) => firstId),
          messages.map(({ lastId }) => lastId),
          messages.map(({ atMs }) => atMs),
          messages.map(({ receivedMs }) => receivedMs),
          messages.map(({ historical }) => historical),
          jsonbArray(messages.map(({ json }) => json)),
          [...declared.keys()],
          [...declared.values()].map((numbers) => formatMultirange(numbers.ranges())),
        ],
      });
    } catch (error) {
      if (!(error instanceof SqlError && error.state === VANISHED)) throw error;
      // Somebody emptied the tables, or put another database in this one's place.
      this.#index.forget();
      const reason = 'the ledger was emptied or replaced while this process ran';
      const details = { database: this.#database.name, reason };
      throw new GoshawkError('GOSHAWK_DATABASE_UNREACHABLE', details, { cause: error });
    }
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
