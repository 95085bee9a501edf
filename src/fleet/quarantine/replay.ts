import type { QuarantineChange } from '../../contract/fleet-quarantine.ts';
import { checkMessage } from '../ingest/check-message.ts';
import type { RefusedMessage } from '../check/refusal.ts';
import { separate } from '../ingest/separate.ts';
import { noteChange, type Author } from '../store/audit.ts';
import { isBadValue, SqlError, type Database, type Session } from '../store/database.ts';
import type { FleetMessage } from '../store/fleet-message.ts';
import { MessageStore, type Beyond } from '../store/message-store.ts';
import { ensurePartitions } from '../store/partitions.ts';
import { messagesSince } from '../store/retention.ts';
import { changeOf, takeOut, inDryTransaction } from './change.ts';
import { lastReceipts, placed, restoreReceipts } from './receipt.ts';
import { IS_SELECTED, filterText, parametersOf, type QuarantineFilter } from './select.ts';

/** Messages of one transaction. */
const CHUNK = 500;

interface Row {
  readonly id: number;
  readonly topic: string;
  readonly payload: Buffer;
  readonly received_at: Date;
  readonly historical: boolean;
}

interface Checked {
  readonly id: number;
  readonly message: FleetMessage;
}

interface Step {
  /** null: there was nothing more */
  readonly lastId: number | null;
  readonly stored: number;
  readonly refused: readonly RefusedMessage['reason'][];
}

/**
 * Checks messages that are whole in quarantine as if they came now. Those that pass move to the store, each in one
 * transaction with the ledger and a line in the audit; the others stay. What was replayed already is not there any
 * more, so that to repeat it changes nothing.
 * @param isDryRun everything is done and taken back
 * @throws as `Database.query` does
 */
export async function replayQuarantine(
  database: Database,
  filter: QuarantineFilter,
  isDryRun: boolean,
  author: Author,
): Promise<QuarantineChange> {
  const replay = new Replay(database, filter, isDryRun, author);
  const refused: Record<string, number> = {};
  let stored = 0;
  for (let after = -1; ;) {
    const step = await replay.step(after, CHUNK);
    if (step.lastId === null) return changeOf(isDryRun, { stored, refused });
    after = step.lastId;
    stored += step.stored;
    for (const reason of step.refused) refused[reason] = (refused[reason] ?? 0) + 1;
  }
}

class Replay {
  readonly #database: Database;
  readonly #filter: QuarantineFilter;
  readonly #isDryRun: boolean;
  readonly #author: Author;
  readonly #store: MessageStore;

  constructor(database: Database, filter: QuarantineFilter, isDryRun: boolean, author: Author) {
    this.#database = database;
    this.#filter = filter;
    this.#isDryRun = isDryRun;
    this.#author = author;
    this.#store = new MessageStore(database);
  }

  /** The next messages; fewer if the database refuses a value of them. @param after id of the last one */
  async step(after: number, count: number): Promise<Step> {
    try {
      return await inDryTransaction(this.#database, this.#isDryRun, (session) =>
        this.#replay(session, after, count),
      );
    } catch (error) {
      if (!(error instanceof SqlError) || !isBadValue(error)) throw error;
      if (count > 1) return this.step(after, count >> 1);
      const lastId = await this.#next(after);
      return { lastId, stored: 0, refused: ['database'] };
    }
  }

  async #replay(session: Session, after: number, count: number): Promise<Step> {
    const rows = await session.query<Row>({
      text: `
        select q.id, q.topic, q.payload, q.received_at, q.historical from fleet.quarantine q
        where q.ledger is not null and ${IS_SELECTED} and q.id > $4 order by q.id limit $5 for update`,
      values: [...parametersOf(this.#filter), after, count],
    });
    const checked = rows.map((row) => ({ id: row.id, ...check(row) }));
    const good = checked.flatMap(({ id, message }) => (message === undefined ? [] : [{ id, message }]));
    const beyond = await this.#storeAll(session, good);
    const done = good.map(({ id }) => id).filter((id) => !beyond.has(id));
    await takeOut(session, done, 'stored');
    if (done.length > 0)
      await noteChange(session, this.#author, {
        action: 'quarantine.replay',
        target: filterText(this.#filter),
        before: null,
        after: { stored: done.length },
      });
    const refused = [...checked.flatMap(({ refusal }) => refusal?.reason ?? []), ...beyond.values()];
    return { lastId: rows.at(-1)?.id ?? null, stored: done.length, refused };
  }

  /** @returns those that are beyond a bound of the ledger, and which, by their ids */
  async #storeAll(session: Session, checked: readonly Checked[]): Promise<ReadonlyMap<number, Beyond>> {
    const beyond = new Map<number, Beyond>();
    if (checked.length === 0) return beyond;
    const nowMs = Date.now();
    const before = await lastReceipts(
      session,
      checked.map(({ id }) => id),
    );
    await this.#makePartitions(await this.#place(session, checked, nowMs));
    // no day is dropped from here on
    await session.query('lock table fleet.messages in row exclusive mode');
    // of two that have numbers in common, one at a time
    for (let rest = await this.#place(session, checked, nowMs); rest.length > 0;) {
      const { batch, deferred } = separate(rest);
      const counts = await this.#store.store(
        batch.map(({ message }) => message),
        session,
      );
      for (const { id, message } of batch) {
        const bound = counts.beyond.get(message);
        if (bound !== undefined) beyond.set(id, bound);
      }
      rest = deferred;
    }
    await restoreReceipts(session, before, nowMs);
    return beyond;
  }

  async #place(session: Session, checked: readonly Checked[], nowMs: number): Promise<readonly Checked[]> {
    const since = await messagesSince(session);
    return checked.map(({ id, message }) => ({ id, message: placed(message, since, nowMs) }));
  }

  /** Those of days that nobody has made yet. */
  async #makePartitions(checked: readonly Checked[]): Promise<void> {
    const days = new Set(checked.map(({ message }) => new Date(message.receivedMs).setUTCHours(0, 0, 0, 0)));
    for (const day of days) await ensurePartitions(this.#database, day);
  }

  async #next(after: number): Promise<number | null> {
    const [row] = await this.#database.query<{ readonly id: number }>({
      text: `
        select q.id from fleet.quarantine q
        where q.ledger is not null and ${IS_SELECTED} and q.id > $4 order by q.id limit 1`,
      values: [...parametersOf(this.#filter), after],
    });
    return row?.id ?? null;
  }
}

function check({ topic, payload, received_at: at, historical }: Row): ReturnType<typeof checkMessage> {
  const received = { link: 0, topic, payload, receivedMs: at.getTime() };
  return checkMessage(historical ? { ...received, isHistory: true } : received);
}
