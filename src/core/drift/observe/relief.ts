import { GRID_COLUMNS, GRID_ROWS, PATCH_COUNT } from '../frame-block.ts';
import { OBSERVATION_FLOATS, OBSERVED } from './observed.ts';

/** Patches around each one: 8 of them; beyond the border the outermost repeat. */
const AROUND = Array.from({ length: PATCH_COUNT }, (_, at) => {
  const column = at % GRID_COLUMNS;
  const row = (at - column) / GRID_COLUMNS;
  const inside = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value));
  const steps = [-1, 0, 1];
  return steps.flatMap((down) =>
    steps
      .filter((across) => across !== 0 || down !== 0)
      .map((across) => inside(row + down, GRID_ROWS) * GRID_COLUMNS + inside(column + across, GRID_COLUMNS)),
  );
});

/** The difference of each patch and the mean of the 8 around it. @param relief where it goes, in gray levels */
export function measureRelief(patches: ArrayLike<number>, relief: Float64Array): void {
  for (let i = 0; i < PATCH_COUNT; i++) {
    let sum = 0;
    for (const at of AROUND[i]!) sum += patches[at]!;
    relief[i] = patches[i]! - sum / 8;
  }
}

/** The relief of an observation; empty for one without. */
export function reliefOf(observation: Float64Array): Float64Array {
  return observation.subarray(OBSERVED.length, OBSERVATION_FLOATS);
}

export function hasRelief(relief: Float64Array): boolean {
  return relief.length > 0 && !Number.isNaN(relief[0]!);
}

/** What the relief of a context is like, patch by patch, in gray levels. */
export interface ReliefProfile {
  readonly middle: readonly number[];
  /** standard deviation, from the mean absolute one */
  readonly spread: readonly number[];
}

const FROM_ABSOLUTE = Math.sqrt(Math.PI / 2);
const DIGITS = 100;
const rounded = (value: number): number => Math.round(value * DIGITS) / DIGITS;

/** Median and spread of the relief over observations; null without one that has a relief. */
export function reliefProfile(reliefs: readonly Float64Array[]): ReliefProfile | null {
  if (reliefs.length === 0) return null;
  const of = Array.from({ length: PATCH_COUNT }, (_, patch) => {
    const values = Float64Array.from(reliefs, (relief) => relief[patch]!).sort();
    const middle = values[values.length >> 1]!;
    const absolute = values.reduce((sum, value) => sum + Math.abs(value - middle), 0) / values.length;
    return [rounded(middle), rounded(FROM_ABSOLUTE * absolute)] as const;
  });
  return { middle: of.map(([middle]) => middle), spread: of.map(([, spread]) => spread) };
}
