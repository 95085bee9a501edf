import type { Database, Session } from './database.ts';

/** What making partitions needs of a database. */
type Transactions = Pick<Database, 'query' | 'transaction'>;

const DAY_MS = 86_400_000;
/** Made ahead: a database that nobody can change for a week goes on taking messages. */
const DAYS_AHEAD = 7;
/** Who waits for a table makes all others wait: a long reader, such as a dump, must not stop the store. */
const LOCK_LIMIT_MS = 2_000;
/** Of the advisory lock under which partitions are made and dropped. */
const LOCK = 0x676f7369;

/** Tables by days of receipt (UTC), and how many of them one partition has. */
const DAYS = {
  messages: 1,
  drift_5m: 7,
  cameras_5m: 7,
  hosts_5m: 7,
  drift_1h: 7,
  cameras_1h: 28,
  hosts_1h: 28,
  drift_1d: 28,
} as const;

export type PartitionedTable = keyof typeof DAYS;
const TABLES = Object.keys(DAYS) as readonly PartitionedTable[];
const ROLLUPS: readonly PartitionedTable[] = TABLES.filter((table) => table !== 'messages');

/** One partition of a table: the days from `start` to before `end`, ms since the epoch. */
export interface Partition {
  readonly table: PartitionedTable;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** The UTC day of a time, as `2026-11-26`. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/**
 * Makes missing partitions: of the day before, the day itself, and the week after it.
 * @param nowMs wall clock that messages are stamped with
 * @throws as `Database.query` does
 */
export async function ensurePartitions(database: Database, nowMs: number): Promise<void> {
  const days = Array.from({ length: DAYS_AHEAD + 2 }, (_, at) => nowMs + (at - 1) * DAY_MS);
  await make(database, TABLES, days);
}

/** Makes missing partitions of rollups for some days of receipt. Throws as `Database.query` does. */
export async function ensureRollupPartitions(database: Transactions, days: readonly number[]): Promise<void> {
  await make(database, ROLLUPS, days);
}

/** The partitions that there are, the oldest first. Throws as `Database.query` does. */
export async function listPartitions(session: Pick<Session, 'query'>): Promise<readonly Partition[]> {
  const rows = await session.query<{ readonly name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'fleet' and c.relispartition and c.relkind = 'r' order by c.relname`,
  );
  return rows.flatMap(({ name }) => {
    const [, table, year, month, day] = /^(\w+)_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
    const known = TABLES.find((one) => one === table);
    return known === undefined
      ? []
      : [partitionOf(known, Date.UTC(Number(year), Number(month) - 1, Number(day)))];
  });
}

async function make(
  database: Transactions,
  tables: readonly PartitionedTable[],
  days: readonly number[],
): Promise<void> {
  const wanted = tables.flatMap((table) => days.map((ms) => partitionOf(table, ms)));
  const missingIn = async (session: Pick<Session, 'query'>): Promise<readonly Partition[]> => {
    const there = new Set((await listPartitions(session)).map(({ name }) => name));
    return [...new Map(wanted.map((one) => [one.name, one])).values()].filter(({ name }) => !there.has(name));
  };
  // locks the tables, so it is not done in vain
  if ((await missingIn(database)).length === 0) return;
  await database.transaction(async (session) => {
    await lockPartitions(session);
    await limitLockWait(session);
    for (const { table, name, startMs, endMs } of await missingIn(session))
      await session.query(
        `create table fleet.${name} partition of fleet.${table} ` +
          `for values from ('${dayOf(startMs)}T00:00:00Z') to ('${dayOf(endMs)}T00:00:00Z')`,
      );
  });
}

/** Until the end of the transaction, no lock on a table is waited for longer. */
export async function limitLockWait(session: Session): Promise<void> {
  await session.query(`set local lock_timeout = ${LOCK_LIMIT_MS}`);
}

/** Until the end of the transaction, only this process makes or drops partitions. */
export async function lockPartitions(session: Session): Promise<void> {
  await session.query({ text: 'select pg_advisory_xact_lock($1)', values: [LOCK] });
}

/** @param ms any time in it */
function partitionOf(table: PartitionedTable, ms: number): Partition {
  const length = DAYS[table] * DAY_MS;
  const startMs = Math.floor(ms / length) * length;
  return {
    table,
    name: `${table}_${dayOf(startMs).replaceAll('-', '')}`,
    startMs,
    endMs: startMs + length,
  };
}
