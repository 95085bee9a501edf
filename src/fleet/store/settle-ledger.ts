import type { Database } from './database.ts';

/** A boot is over, or idle: longer than robots pause between messages, so that few rows are opened again. */
const SETTLED_AFTER_MS = 3_600_000;
/** Rows in one transaction: whoever stores waits for it where it changes one of them. */
const AT_ONCE = 2_000;

/** What one turn did. */
export interface SettleReport {
  readonly settled: number;
  /** rows whose sender was heard again after they were settled, since the last turn of any process */
  readonly reopened: number;
  readonly isMore: boolean;
}

/**
 * Adds up rows of the ledger that have not changed for an hour, so that the work on an update of `fleet.latest` grows
 * with a detector's recent boots and not with all of them. Their numbers stay where they are: what comes of a boot that
 * was settled is deduplicated, stored and counted like anything else.
 * @param nowMs wall clock that messages are stamped with
 * @throws as `Database.query` does
 */
export async function settleLedger(database: Database, nowMs: number): Promise<SettleReport> {
  const [settled] = await database.query<{ readonly rows: number }>({
    text: 'select fleet.settle_ledger(to_timestamp($1::float8 / 1000), $2) as rows',
    values: [nowMs - SETTLED_AFTER_MS, AT_ONCE],
  });
  const [opened] = await database.query<{ readonly rows: number }>('select fleet.add_up_settled() as rows');
  const rows = settled?.rows ?? 0;
  return { settled: rows, reopened: opened?.rows ?? 0, isMore: rows === AT_ONCE };
}
