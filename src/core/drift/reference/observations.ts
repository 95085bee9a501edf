import { halfOf } from '../alarm/held-out.ts';
import { OBSERVED, PLACE, type ObservedName } from '../observe/observed.ts';
import { PatternWatch } from '../observe/pattern-watch.ts';
import { hasRelief, reliefOf, reliefProfile, type ReliefProfile } from '../observe/relief.ts';
import { SpecksWatch } from '../observe/specks-watch.ts';

/** Observations by feature, one a second; null for what was not measured. */
export type Columns = Readonly<Partial<Record<ObservedName, readonly (number | null)[]>>>;

/** Digits that are kept: more than the noise of any feature. */
const DIGITS = 5;

/**
 * Observations in the order of `OBSERVED` as columns; a feature that was never measured has none. If they have a
 * relief, each half is compared with the profile of the other half, as later observations will be with that of all.
 */
export function contextOf(rows: readonly Float64Array[]): {
  readonly columns: Columns;
  readonly relief: ReliefProfile | null;
} {
  return { columns: columnsOf(comparedRows(rows)), relief: profileOf(rows) };
}

const profileOf = (rows: readonly Float64Array[]): ReliefProfile | null =>
  reliefProfile(rows.map(reliefOf).filter(hasRelief));

function columnsOf(rows: readonly Float64Array[]): Columns {
  const columns: Partial<Record<ObservedName, readonly (number | null)[]>> = {};
  OBSERVED.forEach((name, at) => {
    const column = rows.map((row) => rounded(row[at]!));
    if (column.some((value) => value !== null)) columns[name] = column;
  });
  return columns;
}

/** Observations with those of `OF_CONTEXT`. */
function comparedRows(rows: readonly Float64Array[]): Float64Array[] {
  const profiles = [0, 1].map((half) => profileOf(rows.filter((_, i) => halfOf(i) !== half)));
  const watches = profiles.map((profile) =>
    profile === null ? null : { pattern: new PatternWatch(profile), specks: new SpecksWatch(profile) },
  );
  return rows.map((row, i) => {
    const relief = reliefOf(row);
    // both follow all of it, and one of them is asked
    const patterns = watches.map((watch) => watch?.pattern.update(relief) ?? NaN);
    const specks = watches.map((watch) => watch?.specks.update(relief) ?? NaN);
    const values = row.slice(0, OBSERVED.length);
    values[PLACE.pattern] = patterns[halfOf(i)]!;
    values[PLACE.specks] = specks[halfOf(i)]!;
    return values;
  });
}

function rounded(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) : null;
}

/** A column for computing: NaN for what was not measured. */
export function valuesOf(column: readonly (number | null)[]): Float64Array {
  return Float64Array.from(column, (value) => value ?? NaN);
}

/** Columns as observations in the order of `OBSERVED`. */
export function rowsOf(columns: Columns): Float64Array[] {
  const length = Math.max(0, ...Object.values(columns).map((column) => column.length));
  const rows = Array.from({ length }, () => new Float64Array(OBSERVED.length).fill(NaN));
  for (const [name, column] of Object.entries(columns) as [ObservedName, readonly (number | null)[]][])
    column.forEach((value, i) => {
      if (value !== null) rows[i]![PLACE[name]] = value;
    });
  return rows;
}
