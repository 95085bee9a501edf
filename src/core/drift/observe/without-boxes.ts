import { PLACE, type ObservedName } from './observed.ts';

/** What follows from the limits on detections as much as from what is seen. */
const OF_BOXES = [
  'boxes',
  'candidates',
  'confidence',
  'box_size',
  'box_y',
  'top_class',
] as const satisfies readonly ObservedName[];

/** Columns of observations without those of boxes. */
export function columnsWithoutBoxes<T>(
  columns: Readonly<Partial<Record<ObservedName, T>>>,
): Partial<Record<ObservedName, T>> {
  const kept = { ...columns };
  for (const name of OF_BOXES) delete kept[name];
  return kept;
}

/** Makes what an observation says of boxes unknown. */
export function forgetBoxes(observation: Float64Array): void {
  for (const name of OF_BOXES) observation[PLACE[name]] = NaN;
}
