import type { StreamBody } from '../../contract/telemetry/streams.ts';
import type { Database } from './database.ts';
import type { Summary } from './latest-rows.ts';

/** One detector as the tables have it. */
export interface LatestRow {
  readonly id: number;
  readonly site: string;
  readonly robot: string;
  readonly node: string;
  /** ms since the epoch; 0 if nothing of it was written yet */
  readonly updatedMs: number;
  readonly receivedMs: number | null;
  /** numbers of messages */
  readonly stored: number;
  readonly quarantined: number;
  readonly declared: number;
  readonly holes: number;
  readonly state: Pick<StreamBody<'state'>, 'bundle' | 'tags' | 'cameras'> | null;
  readonly summary: Summary | null;
}

/** Detectors that were updated since a time, or all. Throws as `Database.query` does. */
export async function readLatest(database: Database, sinceMs: number): Promise<readonly LatestRow[]> {
  return database.query<LatestRow>({
    name: 'read-latest',
    text: `
      select s.id, s.site, s.robot, s.node,
        coalesce((extract(epoch from n.updated_at) * 1000)::float8, 0) as "updatedMs",
        (extract(epoch from n.last_received) * 1000)::float8 as "receivedMs",
        coalesce(n.stored, 0) as stored, coalesce(n.quarantined, 0) as quarantined,
        coalesce(n.declared, 0) as declared, coalesce(n.holes, 0) as holes,
        n.state, n.summary
      from fleet.senders s left join fleet.latest n on n.sender = s.id
      where $1::float8 = 0 or n.updated_at > to_timestamp($1::float8 / 1000)`,
    values: [sinceMs],
  });
}

/** How many detectors ever sent something. Throws as `Database.query` does. */
export async function countSenders(database: Database): Promise<number> {
  const [row] = await database.query<{ readonly senders: number }>(
    'select count(*) as senders from fleet.senders',
  );
  return row?.senders ?? 0;
}
