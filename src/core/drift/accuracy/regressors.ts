import type { FeatureName } from '../features.ts';
import type { DriftSummary } from '../summary.ts';

/** How frames are compared with a baseline; null if one of them has no value. */
type Compare = (now: DriftSummary, baseline: DriftSummary) => number | null;

/** Values below count as this, so that logarithms stay finite. */
const LEAST = 1e-3;

const difference =
  (read: (summary: DriftSummary) => number | null | undefined): Compare =>
  (now, baseline) => {
    const [a, b] = [read(now), read(baseline)];
    return a === null || a === undefined || b === null || b === undefined ? null : a - b;
  };

const logarithm = (name: FeatureName): Compare =>
  difference(({ features }) => {
    const mean = features[name];
    return mean === undefined ? null : Math.log(Math.max(LEAST, mean));
  });

/** What is above the baseline, and what is below it: too much and too little harm in different ways. */
const above =
  (compare: Compare): Compare =>
  (now, baseline) => {
    const value = compare(now, baseline);
    return value === null ? null : Math.max(0, value);
  };
const below = (compare: Compare): Compare => above((now, baseline) => compare(baseline, now));

const feature = (name: FeatureName): Compare => difference(({ features }) => features[name]);

/**
 * What an estimate of accuracy may be made of. All are 0 if frames are like the baseline. None counts objects: nobody
 * knows how many a scene should have.
 */
const ROWS = {
  consistency: difference(({ consistency }) => consistency),
  reliability: difference(({ reliability }) => reliability),
  score: difference(({ score }) => score),
  noise_gained: above(logarithm('noise')),
  noise_lost: below(logarithm('noise')),
  sharpness_gained: above(logarithm('sharpness')),
  sharpness_lost: below(logarithm('sharpness')),
  contrast_gained: above(logarithm('contrast')),
  contrast_lost: below(logarithm('contrast')),
  brightness_gained: above(logarithm('brightness')),
  brightness_lost: below(logarithm('brightness')),
  saturation_gained: above(logarithm('saturation')),
  saturation_lost: below(logarithm('saturation')),
  entropy_gained: above(feature('entropy')),
  entropy_lost: below(feature('entropy')),
  blockiness_gained: above(feature('blockiness')),
  blown_gained: above(feature('blown_share')),
  black_gained: above(feature('black_share')),
  // what is small is lost first: the boxes that stay are larger
  size_gained: above(logarithm('box_size')),
  size_lost: below(logarithm('box_size')),
  track_flicker: feature('track_flicker'),
  track_sag: feature('track_sag'),
  track_jitter: logarithm('track_jitter'),
  track_seconds: logarithm('track_seconds'),
} as const satisfies Readonly<Record<string, Compare>>;

export type RegressorName = keyof typeof ROWS;

export const REGRESSORS = Object.keys(ROWS) as readonly RegressorName[];

/** Those that need consecutive frames and tracking. */
export const OF_TRACKS: ReadonlySet<RegressorName> = new Set([
  'track_flicker',
  'track_sag',
  'track_jitter',
  'track_seconds',
]);

/** Those that differ from place to place, whatever the model sees: against frames of the same scenes only. */
export const OF_SCENES: ReadonlySet<RegressorName> = new Set(['size_gained', 'size_lost']);

/** The value of a regressor; null if frames or baseline have none. */
export function regressor(name: RegressorName, now: DriftSummary, baseline: DriftSummary): number | null {
  return ROWS[name](now, baseline);
}
