import { PLACE } from '../observe/observed.ts';
import { makeSpaces, type ContextSpace } from '../space/context-space.ts';
import { AlarmedValues } from './alarmed-values.ts';

/** Observations of a part; every other one is held out: what else the environment shows must not alarm. */
export const PART = 50;

/** In which half an observation is. */
export const halfOf = (index: number): number => Math.floor(index / PART) % 2;

type Rows = readonly Float64Array[];

/**
 * What the alarm looks at, of the observations of each context: each half as it looks from the other one. The weights
 * of known changes fit the observations that they are made of, and later ones deviate more.
 * @param contexts observations in the order of `OBSERVED`, with those of `OF_CONTEXT`
 * @returns in the order of `ALARMED`
 */
export function heldOutValues(contexts: readonly Rows[]): Float64Array[][] {
  const halves = [0, 1].map((half) => spacesWithout(contexts, half));
  return contexts.map((rows, k) => {
    const values = halves.map((spaces) => new AlarmedValues(spaces[k]!));
    return rows.map((row, i) => {
      const one = values[halfOf(i)]!;
      one.update(row, row[PLACE.pattern]!);
      return one.all.slice();
    });
  });
}

/** From the other half; of a reference that is too short for it, from all. */
function spacesWithout(contexts: readonly Rows[], half: number): ContextSpace[] {
  const others = contexts.map((rows) => rows.filter((_, i) => halfOf(i) !== half));
  return makeSpaces(others.some((rows) => rows.length < PART) ? contexts : others);
}
