import { meanAndDeviation } from '../../mean-and-deviation.ts';
import { OBSERVED, type ObservedName } from '../observe/observed.ts';
import { valuesOf } from '../reference/observations.ts';
import type { ReferenceContext } from '../reference/make-features.ts';

/** A deviation is at least this share of the mean, so that what never varied in the reference has a scale. */
const MIN_RELATIVE = 0.02;
const MIN_DEVIATION = 1e-4;

/** What a feature was like in a context. */
export interface FeatureProfile {
  readonly mean: number;
  /** standard deviation, > 0 */
  readonly deviation: number;
  /** ascending */
  readonly values: Float64Array;
}

/** A declared-good context, for comparisons. */
export interface ContextProfile {
  readonly name: string;
  readonly features: Readonly<Partial<Record<ObservedName, FeatureProfile>>>;
}

export function profileOf({ name, columns }: ReferenceContext): ContextProfile {
  const features: Partial<Record<ObservedName, FeatureProfile>> = {};
  for (const feature of OBSERVED) {
    const values = valuesOf(columns[feature] ?? [])
      .filter((value) => !Number.isNaN(value))
      .sort();
    if (values.length > 0) features[feature] = { values, ...spreadOf(values) };
  }
  return { name, features };
}

function spreadOf(values: Float64Array): { readonly mean: number; readonly deviation: number } {
  const { mean, deviation } = meanAndDeviation(values);
  return { mean, deviation: Math.max(deviation, MIN_RELATIVE * Math.abs(mean), MIN_DEVIATION) };
}
