import { IMAGE_FEATURES } from './features.ts';

/** The grid of patches that is measured, and the pixels of the network's input in each of them. */
export const GRID_COLUMNS = 32;
export const GRID_ROWS = 18;
export const PATCH_SIDE = 4;
export const PATCH_COUNT = GRID_COLUMNS * GRID_ROWS;

/** Stands for what was not measured; every measured value is 0 or more. */
export const ABSENT = -1;

const AFTER_IMAGE = IMAGE_FEATURES.length;

/** Places in a block of what suppression shows, after the image's features. All are `ABSENT` for heads without it. */
export const BLOCK = {
  /** boxes above `AGREEMENT_FROM` before suppression */
  candidates: AFTER_IMAGE,
  /** kept boxes, and the sum of their consistency (`box-agreement.ts`) */
  kept: AFTER_IMAGE + 1,
  consistency: AFTER_IMAGE + 2,
  /** weight of the suppressed boxes of confident ones, and of all suppressed boxes */
  reliable: AFTER_IMAGE + 3,
  overlapping: AFTER_IMAGE + 4,
  /** kept boxes above a score of 0.3, and the sum of their scores */
  scored: AFTER_IMAGE + 5,
  scores: AFTER_IMAGE + 6,
  /** the mean luma of each patch, 0..255, row by row */
  patches: AFTER_IMAGE + 7,
  /** the mean absolute response of each patch to the filter of `noise`, gray levels */
  roughness: AFTER_IMAGE + 7 + PATCH_COUNT,
  /** `roll` and `streaks` of the image (`image-directions.ts`) */
  roll: AFTER_IMAGE + 7 + 2 * PATCH_COUNT,
  streaks: AFTER_IMAGE + 8 + 2 * PATCH_COUNT,
} as const;

/** Floats of a block: the features of an image (as `IMAGE_FEATURES`), suppression, patches, directions. */
export const BLOCK_FLOATS = BLOCK.streaks + 1;
