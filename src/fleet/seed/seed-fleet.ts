import { LATENCY_EDGES_MS } from '../../contract/telemetry/shapes.ts';
import type { Database } from '../store/database.ts';
import { ensureRollupPartitions } from '../store/partitions.ts';

const HOUR_MS = 3_600_000;
/** Robots whose rollups are made in one statement. */
const ROBOTS_AT_ONCE = 500;
const BUCKETS = LATENCY_EDGES_MS.length + 1;

export interface SeedOptions {
  readonly robots: number;
  /** of rollups before `now` */
  readonly hours: number;
  readonly now: Date;
}

/**
 * Fills an empty database with robots as they would be after some hours: 1 camera at 30 frames a second, some that
 * drop, some that are hot, late or silent, some with holes. For measurements of what reads it.
 * @param onProgress robots that are done
 * @throws as `Database.query` does
 */
export async function seedFleet(
  database: Database,
  { robots, hours, now }: SeedOptions,
  onProgress: (robots: number) => void,
): Promise<void> {
  const startMs = Math.floor((now.getTime() - hours * HOUR_MS) / HOUR_MS) * HOUR_MS;
  const days = Array.from({ length: Math.ceil(hours / 24) + 1 }, (_, at) => startMs + at * 24 * HOUR_MS);
  await ensureRollupPartitions(database, [...days, now.getTime()]);
  for (let first = 1; first <= robots; first += ROBOTS_AT_ONCE) {
    const last = Math.min(robots, first + ROBOTS_AT_ONCE - 1);
    await seedRobots(database, first, last, now);
    for (const step of ['5m', '1h'] as const) await seedRollups(database, step, first, last, startMs, now);
    onProgress(last);
  }
  await database.query(
    'analyze fleet.senders, fleet.ledger, fleet.latest, fleet.cameras_5m, fleet.cameras_1h',
  );
  await database.query('analyze fleet.hosts_5m, fleet.hosts_1h');
}

async function seedRobots(database: Database, first: number, last: number, now: Date): Promise<void> {
  await database.query({
    text: `
      insert into fleet.senders (site, robot, node)
      select 'site-' || n % 20, 'robot-' || lpad(n::text, 5, '0'), 'detector' from generate_series($1::int, $2) as n`,
    values: [first, last],
  });
  await database.query({
    text: `
      insert into fleet.ledger (sender, stream, boot, boot_count, stored, last_received, last_at)
      select s.id, stream, gen_random_uuid(), 1, case when s.id % 50 = 7 then '{[0,8000),[8003,8640)}'::int8multirange
        else '{[0,8640)}' end, $1, $1
      from fleet.senders s, unnest(array['metrics', 'state', 'event']) as stream
      where not exists (select from fleet.latest n where n.sender = s.id)`,
    values: [now],
  });
  await database.query({
    text: `
      insert into fleet.latest (sender, updated_at, last_received, stored, quarantined, declared, holes, state,
        state_at, summary)
      select s.id, $1::timestamptz - interval '0.1 s' * (s.id % 100),
        case when s.id % 40 = 3 then $1::timestamptz - interval '1 h' else $1 end, 25920, 0, 0,
        case when s.id % 50 = 7 then 9 else 0 end,
        jsonb_build_object('lifecycle', 'active', 'cameras', jsonb_build_array(
            jsonb_build_object('camera', 'front', 'silentSeconds', case when s.id % 60 = 11 then 42 else 0.03 end)),
          'tags', jsonb_build_object('customer', 'customer-' || s.id % 7, 'model', 'mk' || s.id % 3),
          'bundle', jsonb_build_object('name', 'goshawk-street', 'version', '4.' || s.id % 2 || '.0', 'digest', 'd',
            'variant', 'int8', 'provider', 'cpu')),
        $1,
        jsonb_build_object('atMs', extract(epoch from $1::timestamptz) * 1000, 'ms', 60000, 'cameras', 1,
          'received', 1800, 'published', 1800 - dropped, 'drops', case when dropped > 0
            then jsonb_build_object('superseded', dropped) else '{}'::jsonb end,
          'latency', (select jsonb_agg(case when i = 6 + s.id % 4 then 1700 when i = 12 + late then 100 else 0 end)
            from generate_series(1, ${BUCKETS}) as i),
          'temperatureCelsius', 50 + s.id % 44)
      from fleet.senders s, lateral (select case when s.id % 30 = 1 then 300 else 0 end as dropped,
        case when s.id % 35 = 2 then 7 else 0 end as late) as bad
      where not exists (select from fleet.latest n where n.sender = s.id)`,
    values: [now],
  });
}

async function seedRollups(
  database: Database,
  step: '5m' | '1h',
  first: number,
  last: number,
  startMs: number,
  now: Date,
): Promise<void> {
  const minutes = step === '5m' ? 5 : 60;
  const times = `
    (select id from fleet.senders where robot between 'robot-' || lpad($1::text, 5, '0')
      and 'robot-' || lpad($2::text, 5, '0')) as s,
    generate_series(to_timestamp($3::float8 / 1000), $4::timestamptz - interval '${minutes} min',
      interval '${minutes} min') as bucket`;
  const values = [first, last, startMs, now];
  const frames = minutes * 1_800;
  await database.query({
    text: `
      insert into fleet.cameras_${step}
      select s.id, 'front', bucket, (bucket at time zone 'UTC')::date, bucket + interval '${minutes} min',
        ${minutes * 60_000}, ${frames}, ${frames} - (s.id + extract(minute from bucket)::int) % 90,
        jsonb_build_object('superseded', (s.id + extract(minute from bucket)::int) % 90),
        array_fill(0, array[5]) || array[${frames / 2}, ${frames / 4}, ${frames / 4}]
          || array_fill(0, array[${BUCKETS - 8}]),
        ${frames * 9}
      from ${times} order by s.id, bucket`,
    values,
  });
  await database.query({
    text: `
      insert into fleet.hosts_${step}
      select s.id, bucket, (bucket at time zone 'UTC')::date, bucket + interval '${minutes} min', ${minutes * 60_000},
        jsonb_build_object(
          'cpuRatio', jsonb_build_object('weight', 1000, 'sum', 400 + 100 * sin(s.id + extract(hour from bucket)),
            'min', 0.2, 'max', 0.6),
          'memoryUsedBytes', jsonb_build_object('weight', 1000, 'sum', 2e12, 'min', 1.9e9, 'max', 2.1e9),
          'temperatureCelsius', jsonb_build_object('weight', 1000, 'sum', 55000, 'min', 50, 'max', 61))
      from ${times} order by s.id, bucket`,
    values,
  });
}
