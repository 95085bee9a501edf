import type { DriftRollup, StateCounts } from '../../core/drift/drift-rollup.ts';
import type { CameraDrift } from '../../core/drift/camera-drift.ts';
import type { Session } from './database.ts';
import {
  KEY_COLUMNS,
  keyColumns,
  keyOf,
  STEP_MS,
  TIME_COLUMNS,
  type RollupKey,
  type StoredKey,
} from './rollup-rows.ts';

/** The lengths of drift rollups, as their tables are called. */
export type DriftStep = '5m' | '1h' | '1d';
export const DRIFT_STEP_MS = { ...STEP_MS, '1d': 86_400_000 } as const satisfies Record<DriftStep, number>;

/** What a camera showed with a bundle in the time of a key. */
export interface DriftRow extends RollupKey, DriftRollup {
  readonly camera: string;
  /** of the bundle; empty for none */
  readonly digest: string;
  /** NAME@VERSION */
  readonly bundle: string;
  /** version of the table of features, below 2^31 */
  readonly table: number;
}

/** Columns of a query for `driftRowOf`. */
export const DRIFT_COLUMNS = `${KEY_COLUMNS}, camera, digest, bundle, features_table, ${TIME_COLUMNS},
  states, drift`;

/** A row of `DRIFT_COLUMNS`. */
export interface StoredDrift extends StoredKey {
  readonly camera: string;
  readonly digest: string;
  readonly bundle: string;
  readonly features_table: number;
  readonly states: StateCounts;
  readonly drift: CameraDrift;
}

export function driftRowOf(row: StoredDrift): DriftRow {
  const { camera, digest, bundle, features_table: table, states, drift } = row;
  return { ...keyOf(row), camera, digest, bundle, table, states, drift };
}

/** The key of the rollup of a length that a time belongs to. */
export function driftKeyAt(step: DriftStep, { sender, bucketMs, day }: RollupKey): RollupKey {
  return { sender, day, bucketMs: Math.floor(bucketMs / DRIFT_STEP_MS[step]) * DRIFT_STEP_MS[step] };
}

/** Puts rollups in the place of all that there are of some keys. Throws as `Database.query` does. */
export async function replaceDrift(
  session: Session,
  step: DriftStep,
  keys: readonly RollupKey[],
  rows: readonly DriftRow[],
): Promise<void> {
  await session.query({
    text: `
      delete from fleet.drift_${step} r
      using unnest($1::int4[], $2::float8[], $3::date[]) as k (sender, bucket_ms, day)
      where r.sender = k.sender and r.bucket = to_timestamp(k.bucket_ms / 1000) and r.day = k.day`,
    values: keyColumns(keys),
  });
  if (rows.length === 0) return;
  await session.query({
    text: `
      insert into fleet.drift_${step} (sender, bucket, day, until, covered_ms, camera, digest, bundle, features_table,
        frames, states, drift)
      select sender, to_timestamp(bucket_ms / 1000), day, to_timestamp(until_ms / 1000), covered_ms, camera, digest,
        bundle, features_table, frames, states, drift
      from unnest($1::int4[], $2::float8[], $3::date[], $4::float8[], $5::int8[], $6::text[], $7::text[], $8::text[],
          $9::int4[], $10::int8[], $11::jsonb[], $12::jsonb[])
        as r (sender, bucket_ms, day, until_ms, covered_ms, camera, digest, bundle, features_table, frames, states,
          drift)`,
    values: [
      ...keyColumns(rows),
      rows.map(({ untilMs }) => untilMs),
      rows.map(({ coveredMs }) => coveredMs),
      rows.map(({ camera }) => camera),
      rows.map(({ digest }) => digest),
      rows.map(({ bundle }) => bundle),
      rows.map(({ table }) => table),
      rows.map(({ drift }) => Math.min(Number.MAX_SAFE_INTEGER, drift.frames)),
      rows.map(({ states }) => JSON.stringify(states)),
      rows.map(({ drift }) => JSON.stringify(drift)),
    ],
  });
}
