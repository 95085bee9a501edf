import type { Database, Session } from '../store/database.ts';
import { ensureRollupPartitions } from '../store/partitions.ts';
import {
  CAMERA_COLUMNS,
  cameraRowOf,
  HOST_COLUMNS,
  hostRowOf,
  replaceRows,
  STEP_MS,
  type RollupKey,
  type StoredCamera,
  type StoredHost,
} from '../store/rollup-rows.ts';
import { attempt } from './attempt.ts';
import { makeDriftRollups } from './drift-rollups.ts';
import { uniqueKeys, windowsOf } from './keyed.ts';
import type { Window } from './of-window.ts';
import { keyAt, keyText, ofWindows, rollUp, type RollupRows } from './roll-up.ts';

/** Of one transaction: detectors, jobs that are looked at, and rollups, which have a few megabytes of messages. */
const MAX_SENDERS = 20;
const MAX_JOBS = 5_000;
const MAX_KEYS = 40;
/** What the database refuses is tried again after so long; other rollups do not wait for it. */
const POSTPONED_MS = 600_000;

interface Job extends RollupKey {
  readonly id: number;
}

/** A rollup that the database refused. */
export interface PostponedRollup extends RollupKey {
  readonly reason: string;
}

/**
 * Makes rollups that are due. Nobody else works on the same detectors meanwhile, and each rollup is made anew from all
 * of its messages, so it does not matter how often it is made, or whether this process is killed: either the
 * transaction has rollups and no jobs, or the jobs are still there. If the database refuses a value, each rollup is
 * made by itself, and the jobs of those that it refuses are put off.
 * @param now rollups that are due by then are made
 * @param onPostponed told of each rollup that was put off
 * @returns how many rollups of five minutes were made; 0: none is due, or others make them
 * @throws as `Database.query` does
 */
export async function makeDueRollups(
  database: Pick<Database, 'query' | 'transaction'>,
  now: Date,
  onPostponed: (postponed: PostponedRollup) => void = () => undefined,
): Promise<number> {
  await ensureRollupPartitions(database, await dueDays(database, now));
  const { made, postponed } = await database.transaction(async (session) => {
    const jobs = await takeJobs(session, now);
    const keys = uniqueKeys(jobs).slice(0, MAX_KEYS);
    if (keys.length === 0) return { made: 0, postponed: [] };
    const refused = await makeWhatCanBe(session, keys);
    const texts = new Set(refused.map(keyText));
    const done = keys.filter((key) => !texts.has(keyText(key)));
    await endJobs(session, idsOf(jobs, done));
    await postpone(session, idsOf(jobs, refused), new Date(now.getTime() + POSTPONED_MS));
    return { made: done.length, postponed: refused };
  });
  postponed.forEach(onPostponed);
  return made;
}

/** Makes rollups all at once or, if the database refuses a value of them, one by one. @returns those that it refused */
async function makeWhatCanBe(session: Session, keys: readonly RollupKey[]): Promise<PostponedRollup[]> {
  if ((await attempt(session, () => makeKeys(session, keys))) === null) return [];
  const refused: PostponedRollup[] = [];
  for (const key of keys) {
    const reason = await attempt(session, () => makeKeys(session, [key]));
    if (reason !== null) refused.push({ ...key, reason });
  }
  return refused;
}

async function makeKeys(session: Session, keys: readonly RollupKey[]): Promise<void> {
  await makeFiveMinutes(session, keys);
  await makeHours(session, uniqueKeys(keys.map((key) => keyAt('1h', key))));
  await makeDriftRollups(session, keys);
}

function idsOf(jobs: readonly Job[], keys: readonly RollupKey[]): number[] {
  const wanted = new Set(keys.map(keyText));
  return jobs.filter((job) => wanted.has(keyText(job))).map(({ id }) => id);
}

async function endJobs(session: Session, ids: readonly number[]): Promise<void> {
  await session.query({ text: 'delete from fleet.rollup_jobs where id = any ($1)', values: [ids] });
}

async function postpone(session: Session, ids: readonly number[], until: Date): Promise<void> {
  if (ids.length === 0) return;
  await session.query({
    text: 'update fleet.rollup_jobs set ready_at = $2 where id = any ($1)',
    values: [ids, until],
  });
}

/** For how long the first rollup has been due, seconds; 0 if none is. Throws as `Database.query` does. */
export async function rollupLagSeconds(database: Pick<Database, 'query'>): Promise<number> {
  const [row] = await database.query<{ readonly lag: number | null }>(
    'select greatest(0, extract(epoch from now() - min(ready_at)))::float8 as lag from fleet.rollup_jobs',
  );
  return row?.lag ?? 0;
}

async function dueDays(database: Pick<Database, 'query'>, now: Date): Promise<number[]> {
  const rows = await database.query<{ readonly ms: number }>({
    text: `
      select distinct extract(epoch from day)::float8 * 1000 as ms
      from (select day from fleet.rollup_jobs where ready_at <= $1 order by ready_at limit $2) as due`,
    values: [now, MAX_JOBS],
  });
  return rows.map(({ ms }) => ms);
}

/** Jobs of detectors that nobody else works on, which this transaction keeps from others. */
async function takeJobs(session: Session, now: Date): Promise<readonly Job[]> {
  const senders = await session.query<{ readonly id: number }>({
    text: `
      select s.id from fleet.senders s join (
        select sender, min(ready_at) as since
        from (select sender, ready_at from fleet.rollup_jobs where ready_at <= $1 order by ready_at limit $2) as due
        group by sender) as first on first.sender = s.id
      order by first.since, s.id limit $3 for no key update of s skip locked`,
    values: [now, MAX_JOBS, MAX_SENDERS],
  });
  if (senders.length === 0) return [];
  // a statement of its own: it sees what whoever had these detectors before has committed; a job is left out while
  // somebody stores a message that relies on it
  return session.query<Job>({
    text: `
      select id, sender, (extract(epoch from bucket) * 1000)::float8 as "bucketMs", to_char(day, 'YYYY-MM-DD') as day
      from fleet.rollup_jobs where sender = any ($1) and ready_at <= $2 order by ready_at limit $3
      for update skip locked`,
    values: [senders.map(({ id }) => id), now, MAX_JOBS],
  });
}

async function makeFiveMinutes(session: Session, keys: readonly RollupKey[]): Promise<void> {
  const windows = await windowsOf<Window>(session, 'metrics', keys);
  await replaceRows(session, '5m', keys, rollUp('5m', ofWindows(windows)));
}

async function makeHours(session: Session, keys: readonly RollupKey[]): Promise<void> {
  await replaceRows(session, '1h', keys, rollUp('1h', await fiveMinutesOf(session, keys)));
}

async function fiveMinutesOf(session: Session, hours: readonly RollupKey[]): Promise<RollupRows> {
  const values = [
    hours.map(({ sender }) => sender),
    hours.map(({ bucketMs }) => bucketMs),
    hours.map(({ day }) => day),
    STEP_MS['1h'],
  ];
  const from = (table: string, columns: string): string => `
    select ${columns} from (
      select r.* from unnest($1::int4[], $2::float8[], $3::date[]) as k (sender, from_ms, day)
        join fleet.${table}_5m r on r.sender = k.sender and r.day = k.day
          and r.bucket >= to_timestamp(k.from_ms / 1000) and r.bucket < to_timestamp((k.from_ms + $4::float8) / 1000)
    ) as r order by sender, day, bucket`;
  const cameras = await session.query<StoredCamera>({ text: from('cameras', CAMERA_COLUMNS), values });
  const hosts = await session.query<StoredHost>({ text: from('hosts', HOST_COLUMNS), values });
  return { cameras: cameras.map(cameraRowOf), hosts: hosts.map(hostRowOf) };
}
