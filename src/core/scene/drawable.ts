import { SCENE_LABELS, type SceneLabel } from './labels.ts';
import type { Painter } from './painter.ts';

/** Something that stands in the world at an instant and can be painted. */
export interface Drawable {
  readonly label: SceneLabel | undefined;
  /** meters, world axes */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** radians, 0 looks along the road */
  readonly heading: number;
  /** z by which it is sorted, far to near; the far end for facades, the center for the rest */
  readonly order: number;
  /** meters, for what is too small to draw */
  readonly height: number;
  /** nearer than this many meters it is left out */
  readonly nearest: number;
  /** half width and half length of its shadow in meters, 0 for none */
  readonly shadow: readonly [number, number];
  readonly paint: (painter: Painter, t: number) => void;
}

/** A thing without a label: poles, trees, facades. */
export function scenery(
  x: number,
  y: number,
  z: number,
  heading: number,
  height: number,
  paint: (painter: Painter, t: number) => void,
  order = z,
): Drawable {
  return { label: undefined, x, y, z, heading, order, height, nearest: -20, shadow: [0, 0], paint };
}

export function classIndexOf(label: SceneLabel): number {
  return SCENE_LABELS.indexOf(label);
}
