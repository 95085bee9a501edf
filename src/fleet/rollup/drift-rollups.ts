import type { Session } from '../store/database.ts';
import {
  DRIFT_COLUMNS,
  DRIFT_STEP_MS,
  driftKeyAt,
  driftRowOf,
  replaceDrift,
  type DriftRow,
  type DriftStep,
  type StoredDrift,
} from '../store/drift-rows.ts';
import { keyColumns, type RollupKey } from '../store/rollup-rows.ts';
import { uniqueKeys, windowsOf } from './keyed.ts';
import type { DriftWindow } from './of-drift.ts';
import { ofDriftWindows, rollUpDrift } from './roll-up-drift.ts';

/**
 * Makes drift rollups of five minutes anew from all of their messages, and the hours and days that they belong to from
 * shorter rollups. Throws as `Session.query` does.
 * @param keys of five minutes, each once
 */
export async function makeDriftRollups(session: Session, keys: readonly RollupKey[]): Promise<void> {
  const windows = await windowsOf<DriftWindow>(session, 'drift', keys);
  // most detectors send no drift windows, and what was merged away leaves rows behind
  if (windows.length === 0 && (await rowsIn(session, '5m', keys, '5m')).length === 0) return;
  await replaceDrift(session, '5m', keys, rollUpDrift('5m', ofDriftWindows(windows)));
  await makeLonger(session, '1h', '5m', keys);
  await makeLonger(session, '1d', '1h', keys);
}

async function makeLonger(
  session: Session,
  step: DriftStep,
  shorter: DriftStep,
  keys: readonly RollupKey[],
): Promise<void> {
  const longer = uniqueKeys(keys.map((key) => driftKeyAt(step, key)));
  await replaceDrift(session, step, longer, rollUpDrift(step, await rowsIn(session, shorter, longer, step)));
}

/** Rollups of a length that began in the times of some keys of another length, in one order. */
async function rowsIn(
  session: Session,
  shorter: DriftStep,
  keys: readonly RollupKey[],
  step: DriftStep,
): Promise<DriftRow[]> {
  const rows = await session.query<StoredDrift>({
    text: `
      select ${DRIFT_COLUMNS} from (
        select r.* from unnest($1::int4[], $2::float8[], $3::date[]) as k (sender, from_ms, day)
          join fleet.drift_${shorter} r on r.sender = k.sender and r.day = k.day
            and r.bucket >= to_timestamp(k.from_ms / 1000)
            and r.bucket < to_timestamp((k.from_ms + $4::float8) / 1000)
      ) as r order by sender, day, bucket, camera, digest, features_table`,
    values: [...keyColumns(keys), DRIFT_STEP_MS[step]],
  });
  return rows.map(driftRowOf);
}
