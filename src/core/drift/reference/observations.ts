import { halfOf } from '../alarm/held-out.ts';
import { OBSERVED, PLACE, type ObservedName } from '../observe/observed.ts';
import { PatternWatch } from '../observe/pattern-watch.ts';
import { hasRelief, reliefOf, reliefProfile, type ReliefProfile } from '../observe/relief.ts';

/** Observations by feature, one a second; null for what was not measured. */
export type Columns = Readonly<Partial<Record<ObservedName, readonly (number | null)[]>>>;

/** Digits that are kept: more than the noise of any feature. */
const DIGITS = 5;

/**
 * Observations in the order of `OBSERVED` as columns; a feature that was never measured has none. If they have a
 * relief, each half gets the `pattern` against the profile of the other half, as later observations will against all.
 */
export function contextOf(rows: readonly Float64Array[]): {
  readonly columns: Columns;
  readonly relief: ReliefProfile | null;
} {
  const reliefs = rows.map(reliefOf).filter(hasRelief);
  const columns = { ...columnsOf(rows) };
  const patterns = patternsOf(rows);
  if (patterns.some((value) => !Number.isNaN(value))) columns.pattern = patterns.map(rounded);
  return { columns, relief: reliefProfile(reliefs) };
}

function columnsOf(rows: readonly Float64Array[]): Columns {
  const columns: Partial<Record<ObservedName, readonly (number | null)[]>> = {};
  OBSERVED.forEach((name, at) => {
    const column = rows.map((row) => rounded(row[at]!));
    if (column.some((value) => value !== null)) columns[name] = column;
  });
  return columns;
}

function patternsOf(rows: readonly Float64Array[]): number[] {
  const halves = [0, 1].map((half) => {
    const other = rows.filter((_, i) => halfOf(i) !== half).map(reliefOf);
    const profile = reliefProfile(other.filter(hasRelief));
    return profile === null ? null : new PatternWatch(profile);
  });
  return rows.map((row, i) => {
    const relief = reliefOf(row);
    const patterns = halves.map((watch) => watch?.update(relief) ?? NaN);
    return patterns[halfOf(i)]!;
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
