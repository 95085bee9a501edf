import type { Detections } from '../../detections.ts';
import { IMAGE_FEATURES } from '../features.ts';
import { BLOCK } from '../frame-block.ts';
import { OBSERVATION_FLOATS, PLACE } from './observed.ts';
import { PatchWatch } from './patch-watch.ts';

/** Seconds from one observation to the next. */
export const OBSERVATION_SECONDS = 1;
/** A gap of more than this many periods begins anew, instead of catching up. */
const MAX_LAG = 2;

const orNaN = (value: number): number => (value >= 0 && value < Infinity ? value : NaN);

/**
 * Thins the frames of one camera to one observation a second, since neighboring frames are nearly the same: the first
 * frame of each second counts. Motion compares observations, so it does not depend on the frame rate.
 */
export class Observer {
  readonly #values = new Float64Array(OBSERVATION_FLOATS);
  readonly #patches = new PatchWatch();
  #dueMs = -Infinity;

  /**
   * @param block of the frame; @param size of its image in pixels
   * @param nowMs of a clock that never goes back
   * @returns the values in the order of `OBSERVED` and the relief, NaN for what was not measured, valid until the next
   * call; null if no observation is due
   */
  observe(
    block: Float32Array,
    detections: Detections,
    size: { readonly width: number; readonly height: number },
    nowMs: number,
  ): Float64Array | null {
    if (nowMs < this.#dueMs) return null;
    const periodMs = OBSERVATION_SECONDS * 1000;
    this.#dueMs = nowMs - this.#dueMs > MAX_LAG * periodMs ? nowMs + periodMs : this.#dueMs + periodMs;
    const values = this.#values.fill(NaN);
    IMAGE_FEATURES.forEach((name, i) => (values[PLACE[name]] = orNaN(block[i]!)));
    for (const name of ['candidates', 'roll', 'streaks'] as const)
      values[PLACE[name]] = orNaN(block[BLOCK[name]]!);
    this.#patches.update(block, values);
    noteBoxes(detections, size, values);
    return values;
  }
}

function noteBoxes(
  { count, boxes, scores, classes }: Detections,
  { width, height }: { readonly width: number; readonly height: number },
  values: Float64Array,
): void {
  values[PLACE.boxes] = count;
  if (count === 0) return;
  let [score, size, y, top] = [0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    const across = boxes[4 * i + 2]! - boxes[4 * i]!;
    const down = boxes[4 * i + 3]! - boxes[4 * i + 1]!;
    score += scores[i]!;
    size += Math.sqrt((across * down) / (width * height));
    y += (boxes[4 * i + 1]! + down / 2) / height;
    if (scores[i]! > scores[top]!) top = i;
  }
  values[PLACE.confidence] = score / count;
  values[PLACE.box_size] = size / count;
  values[PLACE.box_y] = y / count;
  values[PLACE.top_class] = classes[top]!;
}
