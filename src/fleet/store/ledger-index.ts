import type { Database } from './database.ts';
import { ledgerName, type FleetMessage } from './fleet-message.ts';

/** Entries that are remembered: about 100 bytes each. */
const MAX_REMEMBERED = 200_000;

type LedgerKey = Pick<FleetMessage, 'sender' | 'stream' | 'bootId' | 'bootCount'>;

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

  async resolve(messages: readonly FleetMessage[]): Promise<LedgerIds> {
    const wanted = messages.map((message) => ({ own: message, declared: declaredKey(message) }));
    const missing = new Map<string, LedgerKey>();
    for (const { own, declared } of wanted)
      for (const key of declared === null ? [own] : [own, declared]) {
        const text = ledgerName(key);
        if (!this.#ids.has(text)) missing.set(text, key);
      }
    if (missing.size > 0) {
      if (this.#ids.size + missing.size > MAX_REMEMBERED) {
        this.#ids.clear();
        return this.resolve(messages);
      }
      await this.#make([...missing.values()]);
    }
    const idOf = (key: LedgerKey): number => this.#ids.get(ledgerName(key)) ?? 0;
    return {
      own: wanted.map(({ own }) => idOf(own)),
      declared: wanted.map(({ declared }) => (declared === null ? null : idOf(declared))),
    };
  }

  /** For a database whose rows are not what they were. */
  forget(): void {
    this.#ids.clear();
  }

  /**
   * Statements of their own, each committed at once: an empty row says nothing, and another ingestor that makes the
   * same one is waited for and then seen.
   */
  async #make(keys: readonly LedgerKey[]): Promise<void> {
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
    const rows = await this.#database.query<{ at: number; id: number }>({
      text: `
        select k.at::integer - 1 as at, l.id
        from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[])
          with ordinality as k (site, robot, node, stream, boot, at)
        join fleet.senders s using (site, robot, node)
        join fleet.ledger l on l.sender = s.id and l.stream = k.stream and l.boot = k.boot`,
      values: [sites, robots, nodes, streams, boots],
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
