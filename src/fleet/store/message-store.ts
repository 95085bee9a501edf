import { NumberSet } from '../../core/ledger/number-set.ts';
import { jsonArray, numberArray } from './binary-array.ts';
import type { Database, Session } from './database.ts';
import type { FleetMessage } from './fleet-message.ts';
import { LEDGER_BOUNDS, LedgerIndex, type LedgerBounds } from './ledger-index.ts';
import { formatMultirange } from './multirange.ts';

const STORE = {
  name: 'store-messages',
  text:
    'select * from fleet.store_messages($1::int8[], $2::int8[], $3::int8[], $4::float8[], $5::float8[], ' +
    '$6::bool[], $7::json[], $8::float8[], $9::int8[], $10::text[], $11::int8)',
} as const;

/** How many messages of each stream were stored now, and how many had been already. */
export interface StoreCounts {
  readonly stored: ReadonlyMap<string, number>;
  readonly duplicates: ReadonlyMap<string, number>;
  /** those that are not stored: their robot makes the ledger grow beyond its bounds */
  readonly beyond: ReadonlyMap<FleetMessage, Beyond>;
}

/**
 * Which bound of `LedgerBounds` a message goes beyond: `boots` for rows that its robot begins, `ranges` for ranges in
 * one row.
 */
export type Beyond = 'boots' | 'ranges';

interface Stored {
  readonly id: number | null;
  readonly messages: number | null;
  /** from 1 */
  readonly crowded_place: number | null;
  readonly crowded_declaration: number | null;
}

/**
 * Stores messages so that each is there once, however often and through however many ingestors it comes, and keeps the
 * ledger in the same transaction.
 */
export class MessageStore {
  readonly #database: Database;
  readonly #index: LedgerIndex;
  readonly #bounds: LedgerBounds;

  constructor(database: Database, bounds = LEDGER_BOUNDS) {
    this.#database = database;
    this.#bounds = bounds;
    this.#index = new LedgerIndex(database, bounds);
  }

  /**
   * One transaction for all of them: when this resolves they are on the disk.
   * @param messages no two of one stream and boot have numbers in common
   * @param session of a transaction that it is part of; else it is its own
   * @throws GoshawkError GOSHAWK_DATABASE_UNREACHABLE, GOSHAWK_DATABASE_REFUSED; SqlError
   */
  async store(messages: readonly FleetMessage[], session: Session = this.#database): Promise<StoreCounts> {
    const ids = await this.#index.resolve(messages);
    const beyond = new Map<FleetMessage, Beyond>();
    let batch: Placed[] = [];
    messages.forEach((message, at) => {
      const [own = null, declared = null] = [ids.own[at], ids.declared[at]];
      if (own === null || (message.declares !== null && declared === null)) beyond.set(message, 'boots');
      else batch.push({ message, own, declared });
    });
    for (;;) {
      const rows = await this.#insert(session, batch);
      const crowded = batch.filter(
        ({ declared }, at) =>
          rows.some(({ crowded_place: place }) => place === at + 1) ||
          (declared !== null && rows.some(({ crowded_declaration: id }) => id === declared)),
      );
      if (crowded.length === 0) return { ...count(batch, rows), beyond };
      // nothing was stored; who stores the others finds the same rows locked, or in the meantime fuller ones
      for (const { message } of crowded) beyond.set(message, 'ranges');
      batch = batch.filter(({ message }) => !beyond.has(message));
    }
  }

  async #insert(session: Session, batch: readonly Placed[]): Promise<readonly Stored[]> {
    if (batch.length === 0) return [];
    const column = (type: 'int8' | 'float8', value: (message: FleetMessage) => number | null): Buffer =>
      numberArray(
        type,
        batch.map(({ message }) => value(message)),
      );
    const declared = declarations(batch);
    return this.#index.forgetting(() =>
      session.query<Stored>({
        ...STORE,
        values: [
          numberArray(
            'int8',
            batch.map(({ own }) => own),
          ),
          column('int8', ({ firstId }) => firstId),
          column('int8', ({ lastId }) => lastId),
          column('float8', ({ atMs }) => atMs),
          column('float8', ({ receivedMs }) => receivedMs),
          batch.map(({ message }) => message.historical),
          jsonArray(batch.map(({ message }) => message.json)),
          column('float8', ({ bucketMs }) => bucketMs),
          [...declared.keys()],
          [...declared.values()].map((numbers) => formatMultirange(numbers.ranges())),
          this.#bounds.ranges,
        ],
      }),
    );
  }
}

/** A message with its rows of the ledger. */
interface Placed {
  readonly message: FleetMessage;
  readonly own: number;
  readonly declared: number | null;
}

function declarations(batch: readonly Placed[]): Map<number, NumberSet> {
  const all = new Map<number, NumberSet>();
  for (const {
    message: { declares },
    declared,
  } of batch) {
    if (declares === null || declared === null) continue;
    const numbers = all.get(declared) ?? new NumberSet();
    numbers.addAll(declares.ranges);
    all.set(declared, numbers);
  }
  return all;
}

function count(
  batch: readonly Placed[],
  rows: readonly Stored[],
): Pick<StoreCounts, 'stored' | 'duplicates'> {
  const fresh = new Map(rows.map(({ id, messages }) => [id, messages ?? 0]));
  const stored = new Map<string, number>();
  const duplicates = new Map<string, number>();
  const add = (map: Map<string, number>, stream: string, more: number): void => {
    if (more !== 0) map.set(stream, (map.get(stream) ?? 0) + more);
  };
  const seen = new Set<number>();
  for (const {
    message: { stream },
    own,
  } of batch) {
    add(duplicates, stream, 1);
    if (seen.has(own)) continue;
    seen.add(own);
    add(stored, stream, fresh.get(own) ?? 0);
    add(duplicates, stream, -(fresh.get(own) ?? 0));
  }
  return { stored, duplicates };
}
