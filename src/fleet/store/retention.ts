import type { Database, Session } from './database.ts';
import {
  dayOf,
  limitLockWait,
  listPartitions,
  lockPartitions,
  type Partition,
  type PartitionedTable,
} from './partitions.ts';

const DAY_MS = 86_400_000;

/** For how long things are kept, in days since their receipt. */
export interface Retention {
  readonly messages: number;
  readonly fiveMinutes: number;
  readonly hours: number;
}

export const DEFAULT_RETENTION: Retention = { messages: 14, fiveMinutes: 90, hours: 730 };

/** What was dropped, and what was not because it is not rolled up yet. */
export interface DropReport {
  readonly dropped: readonly string[];
  readonly waiting: readonly string[];
}

function daysOf(table: PartitionedTable, { messages, fiveMinutes, hours }: Retention): number {
  if (table === 'messages') return messages;
  // histograms take more room; a rollup is there for longer than what it is made from
  if (table === 'drift_5m') return messages + 1;
  if (table === 'drift_1h') return fiveMinutes;
  return table.endsWith('_5m') ? fiveMinutes : hours;
}

/**
 * Drops partitions all of whose days are over for longer than they are kept. Rows of the ledger stay: what was stored
 * remains stored there, and `fleet.retention` says from when on its messages are still here. Messages that have not
 * been rolled up stay, too, however old they are.
 * @param nowMs wall clock that messages are stamped with
 * @throws as `Database.query` does
 */
export async function dropOldPartitions(
  database: Database,
  retention: Retention,
  nowMs: number,
): Promise<DropReport> {
  const isOld = ({ table, endMs }: Partition): boolean =>
    endMs + daysOf(table, retention) * DAY_MS <= Math.floor(nowMs / DAY_MS) * DAY_MS;
  const dropped: string[] = [];
  const waiting: string[] = [];
  for (const partition of (await listPartitions(database)).filter(isOld)) {
    const isDropped = await database.transaction((session) => drop(session, partition));
    (isDropped ? dropped : waiting).push(partition.name);
  }
  return { dropped, waiting };
}

/** From which day of receipt on messages are kept, as `2026-11-26`; null: none were dropped. Throws as `query` does. */
export async function messagesSince(session: Pick<Session, 'query'>): Promise<string | null> {
  const [row] = await session.query<{ readonly since: string }>(
    "select to_char(dropped_before, 'YYYY-MM-DD') as since from fleet.retention where kept = 'messages'",
  );
  return row?.since ?? null;
}

/** @returns false if something of its days is still to be rolled up */
async function drop(session: Session, { table, name, startMs, endMs }: Partition): Promise<boolean> {
  await lockPartitions(session);
  await limitLockWait(session);
  // whoever changes one of its messages holds a lock on it until the rollup is marked
  await session.query(`lock table fleet.${table}, fleet.${name} in access exclusive mode`);
  const [job] = await session.query({
    text: `
      select 1 from fleet.rollup_jobs where day >= $1::date and day < $2::date
      union all select 1 from fleet.drift_backfill limit 1`,
    values: [dayOf(startMs), dayOf(endMs)],
  });
  if (job !== undefined) return false;
  await session.query(`drop table fleet.${name}`);
  await session.query({
    text: `
      insert into fleet.retention as r (kept, dropped_before) values ($1, $2::date)
      on conflict (kept) do update set dropped_before = greatest(r.dropped_before, excluded.dropped_before)`,
    values: [table, dayOf(endMs)],
  });
  return true;
}
