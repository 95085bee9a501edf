import { median } from '../../median.ts';
import { pairScale } from '../../pair-scale.ts';
import type { CameraDrift } from '../camera-drift.ts';
import { FEATURE_NAMES, type FeatureName } from '../features.ts';
import { momentsOf, type Moments } from './moments.ts';

/** What a camera showed on an earlier day, at the same time of the day. */
export interface EarlierDay {
  /** days before now, > 0 */
  readonly daysAgo: number;
  readonly drift: CameraDrift;
}

/** What is usual for a feature of a camera. */
export interface UsualFeature {
  /** median of the means of the days, in the feature's unit */
  readonly mean: number;
  /** standard deviation of a day's mean, > 0 */
  readonly deviation: number;
  /** degrees of freedom of that estimate, > 0: few days say little of how much days differ */
  readonly freedom: number;
  /** median of the means of the last days alone; null without any */
  readonly lately: number | null;
}

/** What is usual for a camera, by feature: what it showed at the same time of the day in earlier weeks. */
export type UsualCamera = Readonly<Partial<Record<FeatureName, UsualFeature>>>;

/** Days that are this old are the reference; a season moves the newer ones along. */
const OLD_DAYS = 7;
const LATE_DAYS = 3;
/** Of the deviation between frames: how much days differ while only few are known, and always. */
const PRIOR_SHARE = 0.35;
const MIN_SHARE = 0.15;
/** How many days the prior counts for. */
const PRIOR_DAYS = 3;
/** A feature that never changed, such as the share of black in a bright hall. */
const MIN_DEVIATION = 1e-4;

/** Null without a day. */
export function usualOf(days: readonly EarlierDay[]): UsualCamera | null {
  if (days.length === 0) return null;
  const old = days.filter(({ daysAgo }) => daysAgo >= OLD_DAYS);
  const reference = old.length > 0 ? old : days;
  const late = days.filter(({ daysAgo }) => daysAgo <= LATE_DAYS);
  const usual: Partial<Record<FeatureName, UsualFeature>> = {};
  for (const name of FEATURE_NAMES) {
    const known = momentsIn(name, reference);
    if (known.length === 0) continue;
    const lately = momentsIn(name, late).map(({ mean }) => mean);
    usual[name] = { ...spreadOf(known), lately: lately.length === 0 ? null : median(lately) };
  }
  return usual;
}

function momentsIn(name: FeatureName, days: readonly EarlierDay[]): Moments[] {
  return days.flatMap(({ drift }) => {
    const counts = drift.features[name];
    const moments = counts === undefined ? null : momentsOf(name, counts);
    return moments ?? [];
  });
}

/** Few days say little of how days differ: a prior from how frames differ counts for some days. */
function spreadOf(days: readonly Moments[]): Pick<UsualFeature, 'mean' | 'deviation' | 'freedom'> {
  const means = days.map(({ mean }) => mean);
  const between = pairScale(means);
  const within = Math.sqrt(days.reduce((sum, { variance }) => sum + variance, 0) / days.length);
  const free = days.length - 1;
  const freedom = free + PRIOR_DAYS;
  const variance =
    (free * between ** 2 + PRIOR_DAYS * (PRIOR_SHARE * within) ** 2) / freedom + (MIN_SHARE * within) ** 2;
  return { mean: median(means), deviation: Math.max(MIN_DEVIATION, Math.sqrt(variance)), freedom };
}
