import { createRandom, mixSeeds } from '../core/random.ts';
import { CONDITION_NAMES, sampleConditions, type Conditions } from './drawing/conditions.ts';
import type { SceneObject } from './labels.ts';
import type { SceneRenderer } from './scene.ts';
import { createWorld } from './world.ts';

/** Data set seeds must be below this. */
export const MAX_SEED = 0x1_0000_0000;
/** Maximum number of scenes in a data set. */
export const MAX_SCENES = 0x20_0000;

/**
 * The seed of scene `index` of a data set. One-to-one within the limits above, so distinct seeds never share
 * a scene.
 */
export function sceneSeed(seed: number, index: number): number {
  return seed * MAX_SCENES + index;
}

/** A scene of a data set: its parameters and the objects in it. */
export interface SampledScene {
  readonly sceneSeed: number;
  /** seconds since the world's start */
  readonly time: number;
  readonly conditions: Conditions;
  readonly objects: readonly SceneObject[];
}

/**
 * Renders scene `index` of the data set `seed`: with its own world, instant and conditions.
 * @param fixed conditions that are set instead of sampled
 * @param rgb filled with rgb8
 */
export function renderSample(
  renderer: SceneRenderer,
  seed: number,
  index: number,
  fixed: Partial<Conditions>,
  rgb: Uint8Array,
): SampledScene {
  const own = sceneSeed(seed, index);
  const random = createRandom(mixSeeds(own, 0xc0de));
  const sampled = sampleConditions(random);
  const time = random.range(0, 30);
  const conditions = { ...sampled };
  for (const name of CONDITION_NAMES) {
    const value = fixed[name];
    if (value !== undefined) conditions[name] = value;
  }
  const objects = renderer.render(createWorld(own), time, conditions, rgb);
  return { sceneSeed: own, time, conditions, objects };
}
