import type { Conditions } from '../../sim/drawing/conditions.ts';
import type { SceneObject } from '../../sim/labels.ts';

/** The start parameters of a rendering thread. */
export interface SimSetup {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly conditions: Conditions;
}

/** To the thread: render the world at `time` seconds into a new image. */
export interface SimRequest {
  readonly time: number;
}

/** From the thread, in the order of the requests; `rgb` is transferred. */
export interface SimImage {
  readonly rgb: Uint8Array<ArrayBuffer>;
  readonly objects: readonly SceneObject[];
}
