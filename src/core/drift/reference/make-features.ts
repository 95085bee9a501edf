import type { Random } from '../../random.ts';
import { ALARMED, type AlarmedName } from '../alarm/alarmed.ts';
import { binsOf, calibrate } from '../alarm/calibrate.ts';
import type { ContextBins } from '../alarm/camera-alarm.ts';
import { heldOutValues } from '../alarm/held-out.ts';
import type { ReliefProfile } from '../observe/relief.ts';
import { rowsOf, type Columns } from './observations.ts';

/** A declared-good period: its name and what was observed. */
export interface ReferenceContext {
  readonly name: string;
  /** those of `OF_CONTEXT` against the other half of the context */
  readonly columns: Columns;
  /** null without one: then there is none of them */
  readonly relief: ReliefProfile | null;
}

/** What the alarm needs of a feature. */
export interface ReferenceFeature {
  /** see `calibrate` */
  readonly discount: number;
  /** by context */
  readonly bins: Readonly<Record<string, ContextBins>>;
}

export type ReferenceFeatures = Readonly<Partial<Record<AlarmedName, ReferenceFeature>>>;

/** Observations of a feature in a context, at least; with fewer it takes no part. */
const MIN_OBSERVATIONS = 30;

/**
 * Bins, probabilities and discounts of all features that every context has, from the observations of all contexts.
 */
export function makeFeatures(contexts: readonly ReferenceContext[], random: Random): ReferenceFeatures {
  const rows = heldOutValues(contexts.map(({ columns }) => rowsOf(columns)));
  const discounts = calibrate(rows, random);
  const features: Partial<Record<AlarmedName, ReferenceFeature>> = {};
  ALARMED.forEach((name, at) => {
    const isShort = (of: readonly Float64Array[]): boolean =>
      of.filter((row) => !Number.isNaN(row[at]!)).length < MIN_OBSERVATIONS;
    if (rows.some(isShort)) return;
    const bins = contexts.map((context, k) => [context.name, binsOf(rows[k]!, at)] as const);
    features[name] = { discount: discounts[at]!, bins: Object.fromEntries(bins) };
  });
  return features;
}
