import { LATENCY_EDGES_MS } from '../../contract/telemetry/shapes.ts';
import type { CameraRollup } from '../../core/rollup/camera-rollup.ts';
import type { HostRollup } from '../../core/rollup/host-rollup.ts';
import type { Session } from './database.ts';

/** Which messages a rollup is of. */
export interface RollupKey {
  readonly sender: number;
  /** start of its time by the robot's clock, ms since the epoch */
  readonly bucketMs: number;
  /** of receipt, UTC: `2026-11-26` */
  readonly day: string;
}

export type CameraRow = RollupKey & CameraRollup & { readonly camera: string };
export type HostRow = RollupKey & HostRollup;

/** The two lengths of rollups, as their tables are called. */
export type Step = '5m' | '1h';
export const STEP_MS = { '5m': 300_000, '1h': 3_600_000 } as const satisfies Record<Step, number>;

const MAX_INTEGER = 2 ** 31 - 1;
/** Columns of a query for `keyOf`, in two parts. */
export const TIME_COLUMNS = '(extract(epoch from until) * 1000)::float8 as until_ms, covered_ms';
export const KEY_COLUMNS =
  "sender, (extract(epoch from bucket) * 1000)::float8 as bucket_ms, to_char(day, 'YYYY-MM-DD') as day";
/** Columns of a query for `readCameraRows`. */
export const CAMERA_COLUMNS = `${KEY_COLUMNS}, camera, ${TIME_COLUMNS}, received, published, drops, latency,
  latency_sum_ms`;
/** Columns of a query for `hostRowOf`. */
export const HOST_COLUMNS = `${KEY_COLUMNS}, ${TIME_COLUMNS}, "values"`;

/** A key as it is read. */
export interface StoredKey {
  readonly sender: number;
  readonly bucket_ms: number;
  readonly day: string;
  readonly until_ms: number;
  readonly covered_ms: number;
}
/** A row of `CAMERA_COLUMNS`. */
export interface StoredCamera extends StoredKey {
  readonly camera: string;
  readonly received: number;
  readonly published: number;
  readonly drops: Readonly<Record<string, number>>;
  readonly latency: readonly number[];
  readonly latency_sum_ms: number;
}
/** A row of `HOST_COLUMNS`. */
export interface StoredHost extends StoredKey {
  readonly values: HostRollup['values'];
}

export function cameraRowOf(row: StoredCamera): CameraRow {
  const { camera, received, published, drops, latency: counts, latency_sum_ms: sumMs } = row;
  return {
    ...keyOf(row),
    camera,
    received,
    published,
    drops,
    latency: { edgesMs: LATENCY_EDGES_MS, counts, sumMs },
  };
}

export function hostRowOf(row: StoredHost): HostRow {
  return { ...keyOf(row), values: row.values };
}

/** Key and times of a row. */
export function keyOf({
  sender,
  day,
  bucket_ms: bucketMs,
  until_ms: untilMs,
  covered_ms: coveredMs,
}: StoredKey): RollupKey & {
  readonly untilMs: number;
  readonly coveredMs: number;
} {
  return { sender, day, bucketMs, untilMs, coveredMs };
}

/** Puts rollups in the place of all that there are of some keys. Throws as `Database.query` does. */
export async function replaceRows(
  session: Session,
  step: Step,
  keys: readonly RollupKey[],
  { cameras, hosts }: { readonly cameras: readonly CameraRow[]; readonly hosts: readonly HostRow[] },
): Promise<void> {
  for (const table of ['cameras', 'hosts'] as const)
    await session.query({
      text: `
        delete from fleet.${table}_${step} r
        using unnest($1::int4[], $2::float8[], $3::date[]) as k (sender, bucket_ms, day)
        where r.sender = k.sender and r.bucket = to_timestamp(k.bucket_ms / 1000) and r.day = k.day`,
      values: keyColumns(keys),
    });
  if (cameras.length > 0) await insertCameras(session, step, cameras);
  if (hosts.length > 0) await insertHosts(session, step, hosts);
}

async function insertCameras(session: Session, step: Step, rows: readonly CameraRow[]): Promise<void> {
  await session.query({
    text: `
      insert into fleet.cameras_${step} (sender, bucket, day, until, covered_ms, camera, received, published, drops,
        latency, latency_sum_ms)
      select sender, to_timestamp(bucket_ms / 1000), day, to_timestamp(until_ms / 1000), covered_ms, camera, received,
        published, drops, latency::int4[], latency_sum_ms
      from unnest($1::int4[], $2::float8[], $3::date[], $4::float8[], $5::int8[], $6::text[], $7::int8[], $8::int8[],
          $9::jsonb[], $10::text[], $11::float8[])
        as r (sender, bucket_ms, day, until_ms, covered_ms, camera, received, published, drops, latency,
          latency_sum_ms)`,
    values: [
      ...keyColumns(rows),
      rows.map(({ untilMs }) => untilMs),
      rows.map(({ coveredMs }) => coveredMs),
      rows.map(({ camera }) => camera),
      rows.map(({ received }) => received),
      rows.map(({ published }) => published),
      rows.map(({ drops }) => JSON.stringify(drops)),
      rows.map(({ latency }) => `{${latency.counts.map((count) => Math.min(MAX_INTEGER, count)).join(',')}}`),
      rows.map(({ latency }) => latency.sumMs),
    ],
  });
}

async function insertHosts(session: Session, step: Step, rows: readonly HostRow[]): Promise<void> {
  await session.query({
    text: `
      insert into fleet.hosts_${step} (sender, bucket, day, until, covered_ms, "values")
      select sender, to_timestamp(bucket_ms / 1000), day, to_timestamp(until_ms / 1000), covered_ms, vals
      from unnest($1::int4[], $2::float8[], $3::date[], $4::float8[], $5::int8[], $6::jsonb[])
        as r (sender, bucket_ms, day, until_ms, covered_ms, vals)`,
    values: [
      ...keyColumns(rows),
      rows.map(({ untilMs }) => untilMs),
      rows.map(({ coveredMs }) => coveredMs),
      rows.map(({ values }) => JSON.stringify(values)),
    ],
  });
}

/** Values for `unnest` of senders, buckets (ms) and days. */
export function keyColumns(keys: readonly RollupKey[]): unknown[] {
  return [keys.map(({ sender }) => sender), keys.map(({ bucketMs }) => bucketMs), keys.map(({ day }) => day)];
}
