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
  readonly own: readonly number[];
  /** of the stream and boot that a message declares something about */
  readonly declared: readonly (number | null)[];
}

/** Rows of the ledger by what they are about; those that are missing are made, empty. */
export class LedgerIndex {
  readonly #database: Database;
  readonly #ids = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Rows of messages and of what they declare. Throws as `Database.query` does. */
  async resolve(messages: readonly FleetMessage[]): Promise<LedgerIds> {
    const wanted = messages.map((message) => ({ own: message, declared: declaredKey(message) }));
    await this.make(wanted.flatMap(({ own, declared }) => (declared === null ? [own] : [own, declared])));
    const idOf = (key: LedgerKey): number => this.#ids.get(ledgerName(key)) ?? 0;
    return {
      own: wanted.map(({ own }) => idOf(own)),
      declared: wanted.map(({ declared }) => (declared === null ? null : idOf(declared))),
    };
  }

  /** Makes the rows that are missing; all of them are known then. Throws as `Database.query` does. */
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
   * Statements of their own, each committed at once: an empty row says nothing, and another ingestor that makes the
   * same one is waited for and then seen.
   */
  async #insert(keys: readonly LedgerKey[]): Promise<void> {
    const sites = keys.map(({ sender }) => sender.site);
    const robots = keys.map(({ sender }) => sender.robot);
    const nodes = keys.map(({ sender }) => sender.node);
    await this.#database.query({
      text: `
        insert into fleet.senders (site, robot, node)
        select distinct site, robot, node from unnest($1::text[], $2::text[], $3::text[]) as k (site, robot, node)
        order by robot, site, node
        on conflict do nothing`,
      values: [sites, robots, nodes],
    });
    const streams = keys.map(({ stream }) => stream);
    const boots = keys.map(({ bootId }) => bootId);
    await this.#database.query({
      text: `
        insert into fleet.ledger (sender, stream, boot, boot_count)
        select s.id, k.stream, k.boot, k.boot_count
        from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::int8[])
          as k (site, robot, node, stream, boot, boot_count)
        join fleet.senders s using (site, robot, node)
        order by s.id, k.stream, k.boot
        on conflict do nothing`,
      values: [sites, robots, nodes, streams, boots, keys.map(({ bootCount }) => bootCount)],
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
      values: [
        keys.map(({ sender }) => sender.site),
        keys.map(({ sender }) => sender.robot),
        keys.map(({ sender }) => sender.node),
        keys.map(({ stream }) => stream),
        keys.map(({ bootId }) => bootId),
      ],
    });
    for (const { at, id } of rows) {
      const key = keys[at];
      if (key !== undefined) this.#ids.set(ledgerName(key), id);
    }
  }
}

function declaredKey({ sender, declares }: FleetMessage): LedgerKey | null {
  if (declares === null) return null;
  return { sender, stream: declares.stream, bootId: declares.bootId, bootCount: null };
}
