import type { DriftDeviations } from '../../../contract/drift-bench.ts';
import { CameraAlarm } from '../../../core/drift/alarm/camera-alarm.ts';
import { PLACE_MEAN } from '../../../core/drift/alarm/place-filter.ts';
import { alarmReference } from '../../../core/drift/reference/alarm-reference.ts';
import { rowsOf } from '../../../core/drift/reference/observations.ts';
import { Placed } from '../../../core/drift/space/context-space.ts';
import { scaleInto, SPACE } from '../../../core/drift/space/scale.ts';
import { RecentObservations } from '../../../core/drift/verdict/recent.ts';
import type { BenchWorld } from './world.ts';

/** Observations from the beginning of a drift, and how many of the newest are averaged then: as verdicts do. */
const WINDOWS: readonly { readonly end: number; readonly count: number }[] = [
  { end: 3, count: 3 },
  { end: 5, count: 5 },
  { end: 8, count: 8 },
  { end: 20, count: 15 },
  { end: 45, count: 25 },
];

/** What each drift did to the features, which scripts/drift/fit_changes.py learns from. */
export function deviationsOf(
  { reference, quiet, drifts }: BenchWorld,
  street: number,
): DriftDeviations['drifts'] {
  const { contexts, discounts } = alarmReference(reference.contexts, reference.features);
  return drifts.flatMap(({ kind, strength, rows }) => {
    const alarm = new CameraAlarm({ contexts, discounts }, 1);
    for (const row of quiet.day.at(-1) ?? []) alarm.update(row);
    const recent = new RecentObservations();
    return rows.flatMap((row, i) => {
      alarm.update(row);
      recent.add(alarm.values.all);
      const window = WINDOWS.find(({ end }) => end === i + 1);
      if (window === undefined) return [];
      const { space } = contexts[alarm.context]!;
      const placed = new Placed(space);
      placed.place(recent.mean(window.count));
      const sigmas = [...placed.sigmas];
      const shifts = sigmas.map((one, at) => one * space.deviations[at]!);
      return [{ street, kind, strength, sigmas, shifts }];
    });
  });
}

/** How a street looks at each place of its reference, from which the same script learns how places differ. */
export function placesOf({ reference }: BenchWorld, street: number): DriftDeviations['places'] {
  return reference.contexts.map(({ name, columns }) => {
    const scaled = rowsOf(columns).map((row) => {
      const out = new Float64Array(SPACE.length);
      scaleInto(row, out);
      return out;
    });
    const means = Array.from({ length: Math.floor(scaled.length / PLACE_MEAN) }, (_, i) =>
      meanOf(scaled.slice(i * PLACE_MEAN, (i + 1) * PLACE_MEAN)),
    );
    return { street, context: name, means };
  });
}

/** Null for a feature that was measured in less than half of the rows. */
function meanOf(rows: readonly Float64Array[]): (number | null)[] {
  return SPACE.map((_, i) => {
    const values = rows.map((row) => row[i]!).filter(Number.isFinite);
    if (2 * values.length < rows.length) return null;
    return Number((values.reduce((sum, value) => sum + value, 0) / values.length).toPrecision(6));
  });
}
