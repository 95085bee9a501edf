import type { DriftQuery } from '../../contract/fleet/drift.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { FEATURE_TABLE_VERSION } from '../../core/drift/features.ts';
import type { Database } from './database.ts';
import { DRIFT_COLUMNS, driftRowOf, type DriftRow, type DriftStep, type StoredDrift } from './drift-rows.ts';
import { CLOCK_SLACK, type TimeRange } from './read-history.ts';

/** A rollup, whose it is, and the tags of the newest state of its detector. */
export interface OwnedRow extends DriftRow {
  readonly site: string;
  readonly robot: string;
  readonly node: string;
  readonly tags: Readonly<Record<string, string>>;
}

type Owner = Pick<OwnedRow, 'site' | 'robot' | 'node'> & { readonly tags: OwnedRow['tags'] | null };
type Filter = Pick<DriftQuery, 'site' | 'robot' | 'camera' | 'bundle' | 'tag'>;

/** Rollups that began in a time, the newest first. Throws as `Database.query` does. */
export async function readDrift(
  database: Pick<Database, 'query'>,
  step: DriftStep,
  { site, robot, camera, bundle, tag }: Filter,
  { startMs, endMs }: TimeRange,
  limit: number,
): Promise<readonly OwnedRow[]> {
  const rows = await database.query<StoredDrift & Owner>({
    text: `
      select r.*, s.site, s.robot, s.node, n.state->'tags' as tags
      from (
        select ${DRIFT_COLUMNS} from fleet.drift_${step}
        where bucket >= $1 and bucket < $2 and features_table = $3 and ($6 = '' or camera = $6)
          and ($7 = '' or digest = $7 or bundle = $7)
          and ($4 = '' and $5 = '' and $8 = '' or sender in (
            select s.id from fleet.senders s left join fleet.latest n on n.sender = s.id
            where ($4 = '' or s.site = $4) and ($5 = '' or s.robot = $5)
              and ($8 = '' or n.state->'tags'->>split_part($8, '=', 1) = substring($8 from position('=' in $8) + 1))))
        order by fleet.drift_${step}.bucket desc, sender, camera, digest, day limit $9
      ) as r join fleet.senders s on s.id = r.sender left join fleet.latest n on n.sender = r.sender
      order by r.bucket_ms desc, r.sender, r.camera, r.digest, r.day`,
    values: [
      new Date(startMs),
      new Date(endMs),
      FEATURE_TABLE_VERSION,
      site,
      robot,
      camera,
      bundle,
      tag,
      limit,
    ],
  });
  return rows.map((row) => ({ ...driftRowOf(row), ...ownerOf(row) }));
}

/** From when on rollups of each length are kept, ms since the epoch; -Infinity if none were dropped. */
export type KeptSince = Readonly<Record<DriftStep, number>>;

/** Throws as `Database.query` does. */
export async function keptSince(database: Pick<Database, 'query'>): Promise<KeptSince> {
  const rows = await database.query<{ readonly step: DriftStep; readonly ms: number }>(
    `select substring(kept from 7) as step, extract(epoch from dropped_before::timestamp)::float8 * 1000 as ms
     from fleet.retention where kept like 'drift\\_%'`,
  );
  const since = { '5m': -Infinity, '1h': -Infinity, '1d': -Infinity };
  for (const { step, ms } of rows) since[step] = ms;
  return since;
}

/**
 * Detectors with rollups of five minutes in a time: those that drift first, the others in no order that means anything.
 * Throws as `Database.query` does.
 */
export async function sampleSenders(
  database: Pick<Database, 'query'>,
  { startMs, endMs }: TimeRange,
): Promise<readonly { readonly sender: number; readonly cameras: number }[]> {
  return database.query<{ readonly sender: number; readonly cameras: number }>({
    text: `
      select sender, count(distinct camera) as cameras from fleet.drift_5m
      where bucket >= $1 and bucket < $2 and features_table = $3
      group by sender
      order by max((states->>'drifted')::int + (states->>'suspect')::int) > 0 desc, md5(sender::text)`,
    values: [new Date(startMs), new Date(endMs), FEATURE_TABLE_VERSION],
  });
}

/** Rollups of some detectors, the oldest first. Throws as `Database.query` does. */
export async function readDriftOf(
  database: Pick<Database, 'query'>,
  step: DriftStep,
  senders: readonly number[],
  ranges: readonly TimeRange[],
): Promise<readonly OwnedRow[]> {
  const rows = await database.query<StoredDrift & Owner>({
    text: `
      select r.*, s.site, s.robot, s.node, null as tags from (
        select ${DRIFT_COLUMNS}
        from unnest($2::float8[], $3::float8[]) as t (from_ms, to_ms) join fleet.drift_${step} d
          on d.bucket >= to_timestamp(t.from_ms / 1000) and d.bucket < to_timestamp(t.to_ms / 1000)
        where d.sender = any ($1) and d.features_table = $4
      ) as r join fleet.senders s on s.id = r.sender
      order by r.bucket_ms, r.sender, r.camera, r.digest, r.day`,
    values: [
      senders,
      ranges.map(({ startMs }) => startMs),
      ranges.map(({ endMs }) => endMs),
      FEATURE_TABLE_VERSION,
    ],
  });
  return rows.map((row) => ({ ...driftRowOf(row), ...ownerOf(row) }));
}

const ownerOf = ({ site, robot, node, tags }: Owner): Pick<OwnedRow, 'site' | 'robot' | 'node' | 'tags'> => ({
  site,
  robot,
  node,
  tags: tags ?? {},
});

/**
 * Drift windows that began in a time as robots sent them, the oldest first; if there are more than the limits allow,
 * the newest ones. Throws as `Database.query` does.
 */
export async function readDriftWindows(
  database: Pick<Database, 'query'>,
  senders: readonly number[],
  { startMs, endMs }: TimeRange,
  limits: { readonly windows: number; readonly bytes: number },
): Promise<{ readonly windows: readonly StreamBody<'drift'>[]; readonly isPartial: boolean }> {
  const rows = await database.query<{ readonly window: StreamBody<'drift'> | null }>({
    text: `
      select case when place <= $4 and bytes <= $5 then payload end as window
      from (
        select m.payload,
          row_number() over newest as place, sum(octet_length(m.payload::text)) over newest as bytes
        from fleet.ledger l join fleet.messages m on m.ledger = l.id
        where l.sender = any ($1) and l.stream = 'drift' and l.last_received >= $2::timestamptz - ${CLOCK_SLACK}
          and m.received_at >= $2::timestamptz - ${CLOCK_SLACK}
          and m.bucket >= date_bin('5 min', $2::timestamptz, 'epoch') and m.bucket < $3
          and (m.payload #>> '{window,start}')::timestamptz >= $2 and (m.payload #>> '{window,start}')::timestamptz < $3
        window newest as (order by (m.payload #>> '{window,start}')::timestamptz desc, m.ledger, m.last_id desc)
      ) as windows
      order by place limit $4 + 1`,
    values: [senders, new Date(startMs), new Date(endMs), limits.windows, limits.bytes],
  });
  const windows = rows.flatMap(({ window }) => window ?? []).reverse();
  return { windows, isPartial: windows.length < rows.length };
}
