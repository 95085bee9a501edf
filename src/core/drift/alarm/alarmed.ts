import { OBSERVED, type ObservedName } from '../observe/observed.ts';
import { DIRECTIONS, type DirectionName } from '../space/signatures.ts';

type Toward = `toward_${DirectionName}`;

/** The likeness to a known change as a feature of its own. */
const toward = (direction: DirectionName): Toward => `toward_${direction}`;

/**
 * What the alarm looks at, in this order: observed features in their units, and `toward_...`, the likeness to a known
 * change in standard deviations of the context, which gathers what it does to all features.
 */
export const ALARMED: readonly (ObservedName | Toward)[] = [...OBSERVED, ...DIRECTIONS.map(toward)];

/**
 * What is observed and alarms nobody. Numbers of classes have no mean that `support.ts` could judge, and a reference
 * has too few places to say how seldom one class leads a whole minute: behind the same bus, it always does.
 */
export const SILENT: ReadonlySet<AlarmedName> = new Set<AlarmedName>(['top_class']);

export type AlarmedName = ObservedName | Toward;

/** The direction of a `toward_...`; null for an observed feature. */
export function directionOf(name: AlarmedName): DirectionName | null {
  return DIRECTIONS.find((direction) => toward(direction) === name) ?? null;
}
