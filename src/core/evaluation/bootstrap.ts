import { createRandom } from '../random.ts';
import { countObjects, CurveReader } from './curves.ts';
import type { ClassMatches } from './matching.ts';
import { AREA, IOU_THRESHOLDS, MOST_DETECTIONS } from './protocol.ts';

export interface BootstrapOptions {
  readonly images: number;
  /** data sets drawn, >= 1 */
  readonly resamples: number;
  readonly seed: number;
  /** 0..1, such as 0.95 */
  readonly confidence: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Value at share 0..1 of sorted values, linear between neighbours (numpy's default). */
function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}

/**
 * Mean AP where each picture counts `weights[picture]` times; null where no object counts. Drawing a picture twice is the same as giving its detections and objects
 * weight two, so the matches of one evaluation serve every resample.
 */
export function weightedAp(
  classes: readonly ClassMatches[],
  weights: Float64Array | null,
  reader: CurveReader,
): number | null {
  let sum = 0;
  let curves = 0;
  for (const matches of classes) {
    const objects = countObjects(matches, AREA.all, weights);
    if (objects === 0) continue;
    for (let threshold = 0; threshold < IOU_THRESHOLDS.length; threshold++) {
      reader.read(matches, objects, { area: AREA.all, threshold, maxDetections: MOST_DETECTIONS, weights });
      let precision = 0;
      for (const value of reader.precision) precision += value;
      sum += precision / reader.precision.length;
      curves++;
    }
  }
  return curves === 0 ? null : sum / curves;
}

/**
 * Percentile bootstrap of AP over pictures: how far the figure would move with other pictures of the same kind. The same seed gives
 * the same interval. Null where no resample holds an object that counts.
 */
export function bootstrapAp(classes: readonly ClassMatches[], options: BootstrapOptions): Interval | null {
  const random = createRandom(options.seed);
  const reader = new CurveReader();
  const weights = new Float64Array(options.images);
  const drawn: number[] = [];
  for (let resample = 0; resample < options.resamples; resample++) {
    weights.fill(0);
    for (let i = 0; i < options.images; i++) weights[random.int(0, options.images - 1)]! += 1;
    const ap = weightedAp(classes, weights, reader);
    if (ap !== null) drawn.push(ap);
  }
  if (drawn.length === 0) return null;
  const sorted = Float64Array.from(drawn).sort();
  const tail = (1 - options.confidence) / 2;
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}
