import type { Conditions } from '../../src/sim/drawing/conditions.ts';
import type { SceneObject } from '../../src/sim/labels.ts';
import { SceneRenderer } from '../../src/sim/scene.ts';
import type { World } from '../../src/sim/world.ts';

/** A rendered frame. */
export interface SceneFrame {
  readonly width: number;
  readonly height: number;
  /** rgb8, width * height * 3 bytes */
  readonly rgb: Uint8Array;
  readonly objects: readonly SceneObject[];
}

/** Renders one frame into new buffers. Use a `SceneRenderer` for many. */
export function renderFrame(
  world: World,
  t: number,
  width: number,
  height: number,
  conditions: Conditions,
): SceneFrame {
  const rgb = new Uint8Array(width * height * 3);
  const objects = new SceneRenderer(width, height).render(world, t, conditions, rgb);
  return { width, height, rgb, objects };
}
