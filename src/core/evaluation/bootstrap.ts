import { createRandom } from '../random.ts';
import { countObjects, CurveReader } from './curves.ts';
import type { ClassMatches } from './matching.ts';
import { AREA, IOU_THRESHOLDS, MAX_DETECTIONS } from './coco-protocol.ts';

export interface BootstrapOptions {
  readonly images: number;
  /** number of resampled data sets, >= 1 */
  readonly resamples: number;
  readonly seed: number;
  /** 0..1, such as 0.95 */
  readonly confidence: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Quantile 0..1 of sorted values, linear between neighbors (numpy's default). */
function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}

/**
 * Mean AP if each image counts `weights[image]` times; null if no object counts. Drawing an image twice
 * equals weighting its detections and objects by two, so the matches of one evaluation serve every resample.
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
      reader.read(matches, objects, { area: AREA.all, threshold, maxDetections: MAX_DETECTIONS, weights });
      let precision = 0;
      for (const value of reader.precision) precision += value;
      sum += precision / reader.precision.length;
      curves++;
    }
  }
  return curves === 0 ? null : sum / curves;
}

/**
 * AP of each resample; NaN if it contains no object that counts. The same seed and number of images draw the
 * same images, so that two models evaluated on the same set can be compared resample by resample.
 */
export function resampleAp(
  classes: readonly ClassMatches[],
  { images, resamples, seed }: Omit<BootstrapOptions, 'confidence'>,
): Float64Array {
  const random = createRandom(seed);
  const reader = new CurveReader();
  const weights = new Float64Array(images);
  return Float64Array.from({ length: resamples }, () => {
    weights.fill(0);
    for (let i = 0; i < images; i++) weights[random.int(0, images - 1)]! += 1;
    return weightedAp(classes, weights, reader) ?? NaN;
  });
}

/** The central `confidence` (0..1) of the resampled values, ignoring NaN. Null if none remain. */
export function intervalOf(drawn: Float64Array, confidence: number): Interval | null {
  const sorted = drawn.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return null;
  const tail = (1 - confidence) / 2;
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}

/**
 * Percentile bootstrap of AP over images: how much AP would vary with other images of the same kind. The same
 * seed yields the same interval. Null if no resample contains an object that counts.
 */
export function bootstrapAp(classes: readonly ClassMatches[], options: BootstrapOptions): Interval | null {
  return intervalOf(resampleAp(classes, options), options.confidence);
}
