import type { StreamBody } from '../../contract/telemetry/streams.ts';
import type { Database } from './database.ts';
import { HOLES, sumOfSizes } from './multirange.ts';

/** One detector of a robot as the tables have it. */
export interface SenderRow {
  readonly site: string;
  readonly robot: string;
  readonly node: string;
  readonly last_received: Date | null;
  readonly stored: number;
  readonly declared: number;
  readonly holes: number;
  readonly state: StreamBody<'state'> | null;
  /** the newest, last minute's worth */
  readonly windows: readonly StreamBody<'metrics'>[] | null;
}

export interface RobotQuery {
  /** part of a site, a name or a tag; all if empty */
  readonly search: string;
  /** one robot */
  readonly only: { readonly site: string; readonly robot: string } | null;
  readonly limit: number;
  readonly offset: number;
  readonly now: Date;
}

const LATEST_STATE = `
  select m.payload from fleet.ledger l join fleet.messages m on m.ledger = l.id
  where l.sender = s.id and l.stream = 'state' and l.last_received is not null
  order by l.last_received desc, m.last_id desc limit 1`;

/** What is kept of each detector of some robots, in the order of their names. Throws as `Database.query` does. */
export async function readRobots(
  database: Database,
  { search, only, limit, offset, now }: RobotQuery,
): Promise<{ readonly total: number; readonly senders: readonly SenderRow[] }> {
  const rows = await database.query<SenderRow & { readonly total: number }>({
    text: `
      with found as (
        select s.site, s.robot, count(*) over () as total
        from fleet.senders s
        where ($1::text = '' or strpos(lower(s.site || '/' || s.robot), $1) > 0 or exists (
            select 1 from (${LATEST_STATE}) as latest, jsonb_each_text(latest.payload -> 'tags') as tag
            where strpos(lower(tag.key || '=' || tag.value), $1) > 0))
          and ($2::text is null or s.site = $2 and s.robot = $3)
        group by s.site, s.robot order by s.site, s.robot limit $4 offset $5
      )
      select f.total, s.site, s.robot, s.node, l.last_received, l.stored, l.declared, l.holes,
        (${LATEST_STATE}) as state,
        (select jsonb_agg(w.payload) from (
            select m.payload from (
              select l.id from fleet.ledger l where l.sender = s.id and l.stream = 'metrics'
              order by l.last_received desc nulls last limit 1
            ) as newest join fleet.messages m on m.ledger = newest.id
            where m.received_at > $6::timestamptz - interval '120 s' and not m.historical
            order by m.last_id desc limit 6
          ) as w) as windows
      from found f join fleet.senders s on s.site = f.site and s.robot = f.robot,
        lateral (
          select max(last_received) as last_received, ${sumOfSizes('stored')} as stored,
            ${sumOfSizes('declared - stored')} as declared, ${sumOfSizes(HOLES)} as holes
          from fleet.ledger where sender = s.id
        ) as l
      order by s.site, s.robot, s.node`,
    values: [search.toLowerCase(), only?.site ?? null, only?.robot ?? null, limit, offset, now],
  });
  return { total: rows[0]?.total ?? 0, senders: rows };
}

/** Windows of a robot that are younger, by the order of receipt. Throws as `Database.query` does. */
export async function readWindows(
  database: Database,
  { site, robot }: { readonly site: string; readonly robot: string },
  since: Date,
  limit: number,
): Promise<readonly StreamBody<'metrics'>[]> {
  const rows = await database.query<{ readonly payload: StreamBody<'metrics'> }>({
    text: `
      select m.payload from fleet.senders s
        join fleet.ledger l on l.sender = s.id and l.stream = 'metrics' and l.last_received >= $3
        join fleet.messages m on m.ledger = l.id
      where s.site = $1 and s.robot = $2 and m.received_at >= $3 and m.at >= $3
      order by m.received_at desc limit $4`,
    values: [site, robot, since, limit],
  });
  return rows.map(({ payload }) => payload);
}
