import { binOf } from '../alarm/bins.ts';
import type { ContextBins } from '../alarm/camera-alarm.ts';
import { populationStability } from '../measures/divergence.ts';
import { wasserstein } from '../measures/wasserstein.ts';
import { OBSERVED, PLACE, type ObservedName } from '../observe/observed.ts';
import type { ContextProfile } from './context-profile.ts';
import type { RecentObservations } from './recent.ts';

/** How far a feature is from a context. */
export interface Shift {
  /** mean of the newest observations, and of the context */
  readonly now: number;
  readonly reference: number;
  /** their difference in standard deviations of the context */
  readonly sigmas: number;
}

export type Shifts = Readonly<Partial<Record<ObservedName, Shift>>>;

/** @param count of the newest observations */
export function shiftsFrom(context: ContextProfile, recent: RecentObservations, count: number): Shifts {
  const shifts: Partial<Record<ObservedName, Shift>> = {};
  for (const name of OBSERVED) {
    const profile = context.features[name];
    const values = recent.values(PLACE[name], count);
    if (profile === undefined || values.length === 0) continue;
    const now = values.reduce((sum, value) => sum + value, 0) / values.length;
    shifts[name] = { now, reference: profile.mean, sigmas: (now - profile.mean) / profile.deviation };
  }
  return shifts;
}

/** Measures of effect of one feature. */
export interface Effect {
  /** first Wasserstein distance over the context's standard deviation */
  readonly wasserstein: number;
  /** population stability index over the reference's bins */
  readonly psi: number;
}

/** @param bins of the feature in the context */
export function effectOn(
  name: ObservedName,
  context: ContextProfile,
  values: readonly number[],
  { edges, probabilities }: ContextBins,
): Effect | null {
  const profile = context.features[name];
  if (profile === undefined || values.length === 0) return null;
  const shares = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) shares[binOf(edges, value)]! += 1 / values.length;
  return {
    wasserstein: wasserstein(values, profile.values) / profile.deviation,
    psi: populationStability(shares, probabilities),
  };
}
