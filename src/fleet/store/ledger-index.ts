import { GoshawkError } from '../../contract/errors.ts';
import { SqlError, type Database } from './database.ts';
import { ledgerName, type FleetMessage, type MessageIdentity } from './fleet-message.ts';

/** Entries that are remembered: about 100 bytes each. */
const MAX_REMEMBERED = 200_000;

/** SQLSTATE with which functions say that rows of the ledger are not there any more. */
const VANISHED = 'GF001';

type LedgerKey = Pick<MessageIdentity, 'sender' | 'stream' | 'bootId' | 'bootCount'>;

/** Rows of the ledger for messages, in the order of these. */
export interface LedgerIds {
  /** null: its robot began too many rows */
  readonly own: readonly (number | null)[];
  /** of the stream and boot that a message declares something about */
  readonly declared: readonly (number | null)[];
}

/** How much one robot may make the ledger grow, whatever it claims. */
export interface LedgerBounds {
  /** rows that it begins: a stream in a boot of a detector */
  readonly rowsAnHour: number;
  readonly rowsInAll: number;
  /** of numbers in one row: of those that are stored, and of those that are declared */
  readonly ranges: number;
}

/**
 * A robot with four detectors that all start again every minute begins fewer rows an hour, one that is switched on
 * every day for 30 years fewer in all. A row takes some 200 bytes, and 16 for each range.
 */
export const LEDGER_BOUNDS: LedgerBounds = { rowsAnHour: 2_000, rowsInAll: 100_000, ranges: 4_000 };

/** Rows of the ledger by what they are about; those that are missing are made, empty, within the bounds. */
export class LedgerIndex {
  readonly #database: Database;
  readonly #bounds: LedgerBounds;
  readonly #ids = new Map<string, number>();

  constructor(database: Database, bounds = LEDGER_BOUNDS) {
    this.#database = database;
    this.#bounds = bounds;
  }

  /** Rows of messages and of what they declare. Throws as `Database.query` does. */
  async resolve(messages: readonly FleetMessage[]): Promise<LedgerIds> {
    const wanted = messages.map((message) => ({ own: message, declared: declaredKey(message) }));
    await this.make(wanted.flatMap(({ own, declared }) => (declared === null ? [own] : [own, declared])));
    const idOf = (key: LedgerKey): number | null => this.#ids.get(ledgerName(key)) ?? null;
    return {
      own: wanted.map(({ own }) => idOf(own)),
      declared: wanted.map(({ declared }) => (declared === null ? null : idOf(declared))),
    };
  }

  /** Makes the rows that are missing, as many as their robots may begin. Throws as `Database.query` does. */
  async make(keys: readonly LedgerKey[]): Promise<void> {
    const missing = this.#unknown(keys);
    if (missing.length === 0) return;
    if (this.#ids.size + missing.length > MAX_REMEMBERED) {
      this.#ids.clear();
      await this.#insert(this.#unknown(keys));
    } else await this.#insert(missing);
  }

  /** Rows that are there, in the order of the keys; null for others. Throws as `Database.query` does. */
  async find(keys: readonly LedgerKey[]): Promise<readonly (number | null)[]> {
    await this.#look(this.#unknown(keys));
    return keys.map((key) => this.#ids.get(ledgerName(key)) ?? null);
  }

  /**
   * Work on rows that were resolved. Somebody may have emptied the tables since, or put another database in this one's
   * place: then nothing is remembered any more, and the work can be tried again.
   * @throws GoshawkError GOSHAWK_DATABASE_UNREACHABLE in that case; what the work throws
   */
  async forgetting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SqlError && error.state === VANISHED)) throw error;
      this.#ids.clear();
      const reason = 'the ledger was emptied or replaced while this process ran';
      const details = { database: this.#database.name, reason };
      throw new GoshawkError('GOSHAWK_DATABASE_UNREACHABLE', details, { cause: error });
    }
  }

  #unknown(keys: readonly LedgerKey[]): readonly LedgerKey[] {
    const unknown = new Map<string, LedgerKey>();
    for (const key of keys) {
      const name = ledgerName(key);
      if (!this.#ids.has(name)) unknown.set(name, key);
    }
    return [...unknown.values()];
  }

  /**
   * A statement of its own, committed at once: an empty row says nothing, and another ingestor that makes the same one
   * is waited for and then seen.
   */
  async #insert(keys: readonly LedgerKey[]): Promise<void> {
    const { rowsAnHour, rowsInAll } = this.#bounds;
    await this.#database.query({
      text:
        'select fleet.begin_rows($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::int8[], ' +
        '$7::int8, $8::int8)',
      values: [...columnsOf(keys), keys.map(({ bootCount }) => bootCount), rowsAnHour, rowsInAll],
    });
    await this.#look(keys);
  }

  async #look(keys: readonly LedgerKey[]): Promise<void> {
    if (keys.length === 0) return;
    const rows = await this.#database.query<{ at: number; id: number }>({
      text: `
        select k.at::integer - 1 as at, l.id
        from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[])
          with ordinality as k (site, robot, node, stream, boot, at)
        join fleet.senders s using (site, robot, node)
        join fleet.ledger l on l.sender = s.id and l.stream = k.stream and l.boot = k.boot`,
      values: columnsOf(keys),
    });
    for (const { at, id } of rows) {
      const key = keys[at];
      if (key !== undefined) this.#ids.set(ledgerName(key), id);
    }
  }
}

/** Site, robot, node, stream and boot of each key. */
function columnsOf(keys: readonly LedgerKey[]): string[][] {
  return [
    keys.map(({ sender }) => sender.site),
    keys.map(({ sender }) => sender.robot),
    keys.map(({ sender }) => sender.node),
    keys.map(({ stream }) => stream),
    keys.map(({ bootId }) => bootId),
  ];
}

function declaredKey({ sender, declares }: FleetMessage): LedgerKey | null {
  if (declares === null) return null;
  return { sender, stream: declares.stream, bootId: declares.bootId, bootCount: null };
}
