/** The classes of the simulated world, in the order of their indices (data sets count them from 1). */
export const SCENE_LABELS = [
  'person',
  'bicycle',
  'car',
  'motorcycle',
  'bus',
  'truck',
  'traffic light',
  'stop sign',
] as const;

export type SceneLabel = (typeof SCENE_LABELS)[number];

/** An object of a rendered frame with its exact box. */
export interface SceneObject {
  readonly label: SceneLabel;
  /** index into SCENE_LABELS */
  readonly classIndex: number;
  /** x1, y1, x2, y2 in pixels: the tight bounds of what its shapes cover within the image, hidden parts too */
  readonly box: readonly [number, number, number, number];
  /** share of the covered pixels that nothing nearer hides, 0..1 */
  readonly visible: number;
}

/** Objects that show less than this share of their pixels are not labeled. */
export const MIN_VISIBLE = 0.35;
/** Objects with less than this share of their outline's box inside the image are not labeled. */
export const MIN_INSIDE = 0.2;
/**
 * Least length of the shorter and of the longer side, in pixels of a 640x360 image; smaller objects are not
 * labeled.
 */
export const MIN_SHORT_SIDE = 4;
export const MIN_LONG_SIDE = 12;
/** Least area of the box, in square pixels of a 640x360 image. */
export const MIN_AREA = 90;
/**
 * Objects less high than this (pixels of a 640x360 image) are not even drawn: the world ends in haze, not in
 * specks.
 */
export const MIN_DRAWN_HEIGHT = 14;
/** Objects seen through haze that lets less than this share of their light pass are not labeled. */
export const MIN_TRANSMISSION = 0.12;
