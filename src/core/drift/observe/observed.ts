import { IMAGE_FEATURES } from '../features.ts';
import { PATCH_COUNT } from '../frame-block.ts';

/**
 * What an observation measures beyond the features of windows, from the patches unless stated otherwise.
 * - `slope_x`, `slope_y`: correlation of the luma with column and row, -1 to 1. A picture that is brighter at the top
 *   has a negative `slope_y`.
 * - `luma_5`, `luma_50`, `luma_95`: quantiles of the luma, gray levels; `luma_top`, `luma_low`: its mean in the upper
 *   and the lower third of the image
 * - `steps`: mean absolute difference of neighbors in a row, gray levels
 * - `relief_10`, `relief_25`: quantiles of the absolute difference of a patch and the mean of the 8 around it, gray
 *   levels: what disturbs smooth parts of the image raises them
 * - `rough_10`, `rough_25`, `rough_75`: quantiles of the roughness within patches, gray levels: noise raises the low
 *   ones, blur lowers the high one
 * - `roll`, `streaks`: which way edges run, and upright lines (`image-directions.ts`)
 * - `pattern`: agreement of the relief's deviations from the reference with those of the last observations, 0 or more.
 *   What sticks to the lens deviates at the same places again and again. It depends on the context that it is
 *   compared with (`pattern-watch.ts`).
 * - `specks`: how far the calmest patches of the reference are off, where they stay so for half a minute, beyond what
 *   other patches are, in their deviations; depends on the context as well (`specks-watch.ts`)
 * - `top_class`: index of the class of the box with the highest score.
 */
const OWN = [
  ...(['slope_x', 'slope_y', 'luma_5', 'luma_50', 'luma_95', 'luma_top', 'luma_low', 'steps'] as const),
  ...(['relief_10', 'relief_25', 'rough_10', 'rough_25', 'rough_75', 'roll', 'streaks'] as const),
  ...(['pattern', 'specks', 'top_class'] as const),
] as const;

/** Features of windows that have one value in each frame, or the mean over its boxes. */
const SHARED = [
  ...IMAGE_FEATURES,
  'motion',
  'boxes',
  'candidates',
  'confidence',
  'box_size',
  'box_y',
] as const;

/** What one observation has, in this order; after them comes the relief of the patches. */
export const OBSERVED = [...SHARED, ...OWN] as const;

/** What an observation is compared with a context for: it has none by itself. */
export const OF_CONTEXT = ['pattern', 'specks'] as const satisfies readonly ObservedName[];

export type ObservedName = (typeof OBSERVED)[number];

/** Place of each feature in an observation. */
export const PLACE = Object.fromEntries(OBSERVED.map((name, i) => [name, i])) as Readonly<
  Record<ObservedName, number>
>;

/** Values of an observation with its relief. */
export const OBSERVATION_FLOATS = OBSERVED.length + PATCH_COUNT;

/** Changes with every change of what is observed or how: references of another one are refused. */
export const OBSERVED_VERSION = 2;
