import { cosine, sine } from './drawing/exact-math.ts';
import type { SceneLabel } from './labels.ts';
import type { Painter } from './drawing/painter.ts';

export type Paint = (painter: Painter, t: number) => void;

/** A part of a drawable, with its own label or none: a bicycle and its rider are two parts. */
export interface DrawablePart {
  readonly label: SceneLabel | undefined;
  /** meters; decides whether it is too small to draw */
  readonly height: number;
  readonly paint: Paint;
}

/** A rectangle on the ground, world axes, meters. */
export interface Footprint {
  readonly x0: number;
  readonly x1: number;
  readonly z0: number;
  readonly z1: number;
}

/** An object in the world at an instant. */
export interface Drawable {
  /** painted in order */
  readonly parts: readonly DrawablePart[];
  /** meters, world axes */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** radians, 0 points along the road */
  readonly heading: number;
  /** decides occlusion */
  readonly footprint: Footprint;
  /** occupies its ground: of two overlapping solid objects, the later one is skipped */
  readonly solid: boolean;
  /** skipped if nearer than this many meters */
  readonly nearest: number;
  /** half width and half length of its shadow in meters; 0 for none */
  readonly shadow: readonly [number, number];
}

/** The rectangle around an object with these half sizes (meters), rotated by `heading`. */
export function footprintOf(
  x: number,
  z: number,
  halfWidth: number,
  halfLength: number,
  heading: number,
): Footprint {
  const c = Math.abs(cosine(heading));
  const s = Math.abs(sine(heading));
  const dx = c * halfWidth + s * halfLength;
  const dz = s * halfWidth + c * halfLength;
  return { x0: x - dx, x1: x + dx, z0: z - dz, z1: z + dz };
}

/** An unlabeled object that occludes others but occupies no ground: poles, trees, facades. */
export function scenery(
  x: number,
  z: number,
  heading: number,
  paint: Paint,
  footprint = footprintOf(x, z, 0.1, 0.1, 0),
  y = 0,
): Drawable {
  const parts = [{ label: undefined, height: 0, paint }];
  return { parts, x, y, z, heading, footprint, solid: false, nearest: -20, shadow: [0, 0] };
}

/** A labeled plate or housing at height y. */
export function signal(part: DrawablePart, x: number, y: number, z: number, heading: number): Drawable {
  const footprint = footprintOf(x, z, 0.1, 0.05, 0);
  return { parts: [part], x, y, z, heading, footprint, solid: false, nearest: 1.5, shadow: [0, 0] };
}

function overlap(a: Footprint, b: Footprint): boolean {
  return a.x0 < b.x1 && b.x0 < a.x1 && a.z0 < b.z1 && b.z0 < a.z1;
}

/** Skips solid drawables whose ground is already occupied by an earlier one or the camera (`taken`). */
export function withoutCollisions(drawables: readonly Drawable[], taken: Footprint): Drawable[] {
  const places = [taken];
  return drawables.filter((drawable) => {
    if (!drawable.solid) return true;
    if (places.some((place) => overlap(place, drawable.footprint))) return false;
    places.push(drawable.footprint);
    return true;
  });
}

/** True if `b` can occlude `a`, seen from cx. Footprints that touch are compared by their centers. */
function isBehind(a: Footprint, b: Footprint, cx: number): boolean {
  if (a.z0 >= b.z1) return true;
  if (b.z0 >= a.z1) return false;
  if (a.x0 >= b.x1) return cx < (a.x0 + b.x1) / 2;
  if (b.x0 >= a.x1) return cx > (a.x1 + b.x0) / 2;
  return a.z0 + a.z1 > b.z0 + b.z1;
}

/**
 * Sorts far to near for a camera at cx that looks along the road. Long objects are ordered relative to their
 * neighbors, not by their center.
 */
export function sortForPainting(drawables: Drawable[], cx: number): Drawable[] {
  drawables.sort((a, b) => b.footprint.z0 + b.footprint.z1 - a.footprint.z0 - a.footprint.z1);
  const sorted: Drawable[] = [];
  for (const drawable of drawables) {
    let at = sorted.length;
    for (let i = sorted.length - 1; i >= 0; i -= 1) {
      const other = sorted[i]!;
      if (other.footprint.z0 > drawable.footprint.z1 + 14) break;
      if (isBehind(drawable.footprint, other.footprint, cx)) at = i;
    }
    sorted.splice(at, 0, drawable);
  }
  return sorted;
}
