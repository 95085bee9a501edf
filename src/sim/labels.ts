/** The classes of the simulated world, in index order (data sets count them from 1). */
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
  /** x1, y1, x2, y2 in pixels: tight bounds of its shapes within the image, including hidden parts */
  readonly box: readonly [number, number, number, number];
  /** share of the covered pixels that nothing nearer occludes, 0..1 */
  readonly visible: number;
}

/** Objects with a smaller visible share of their pixels are not labeled. */
export const MIN_VISIBLE = 0.35;
/** Objects with less than this share of their outline's box inside the image are not labeled. */
export const MIN_INSIDE = 0.2;
/**
 * Minimum length of the shorter and the longer side, in pixels of a 640x360 image. Smaller objects are not
 * labeled.
 */
export const MIN_SHORT_SIDE = 4;
export const MIN_LONG_SIDE = 12;
/** Minimum area of the box, in square pixels of a 640x360 image. */
export const MIN_AREA = 90;
/**
 * Objects lower than this (pixels of a 640x360 image) are not drawn, so that the world fades into haze
 * instead of specks.
 */
export const MIN_DRAWN_HEIGHT = 14;
/** Objects are not labeled if haze lets less than this share of their light through. */
export const MIN_TRANSMISSION = 0.12;
