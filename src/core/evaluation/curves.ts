import type { ClassMatches } from './matching.ts';
import { RECALL_LEVELS } from './coco-protocol.ts';

/** Which matches of a class a curve covers. */
export interface CurveQuery {
  /** index into AREA_RANGES */
  readonly area: number;
  /** index into IOU_THRESHOLDS */
  readonly threshold: number;
  /** maximum detections of the class per image */
  readonly maxDetections: number;
  /** how often each image counts; null for once each */
  readonly weights: Float64Array | null;
}

/** numpy's `spacing(1)`, which pycocotools adds to the denominator of precision */
const EPSILON = 2 ** -52;

/** Number of objects that count, weighted like their images. */
export function countObjects(matches: ClassMatches, area: number, weights: Float64Array | null): number {
  const objects = matches.objects[area]!;
  let sum = 0;
  for (let image = 0; image < objects.length; image++) {
    sum += weights === null ? objects[image]! : objects[image]! * weights[image]!;
  }
  return sum;
}

/**
 * Precision-recall curves of one class, with scratch memory for the many calls of `bootstrap`. Only true
 * positives are kept: between them precision falls and recall does not change, so neither the envelope nor
 * the first point of a recall level lies elsewhere.
 */
export class CurveReader {
  /** precision at each of RECALL_LEVELS after a call of `read` */
  readonly precision = new Float64Array(RECALL_LEVELS.length);
  #truePositives = new Float64Array(0);
  #envelope = new Float64Array(0);

  /**
   * Computes the interpolated precision at all recall levels (`precision`) and returns the final recall.
   *
   * @param objects objects that count, > 0, from `countObjects` with the same area and weights
   */
  read(matches: ClassMatches, objects: number, query: CurveQuery): number {
    const points = this.#collect(matches, query);
    const { precision } = this;
    for (let i = points - 2; i >= 0; i--) {
      if (this.#envelope[i]! < this.#envelope[i + 1]!) this.#envelope[i] = this.#envelope[i + 1]!;
    }
    let point = 0;
    for (let level = 0; level < RECALL_LEVELS.length; level++) {
      const wanted = RECALL_LEVELS[level]!;
      while (point < points && this.#truePositives[point]! / objects < wanted) point++;
      precision[level] = point < points ? this.#envelope[point]! : 0;
    }
    return points === 0 ? 0 : this.#truePositives[points - 1]! / objects;
  }

  /** Lists the true positives and the precision at each of them; returns their number. */
  #collect(matches: ClassMatches, { area, threshold, maxDetections, weights }: CurveQuery): number {
    if (this.#envelope.length < matches.count) {
      this.#truePositives = new Float64Array(matches.count);
      this.#envelope = new Float64Array(matches.count);
    }
    const hits = matches.hits[area]!;
    const ignored = matches.ignored[area]!;
    const bit = 1 << threshold;
    let truePositives = 0;
    let falsePositives = 0;
    let points = 0;
    for (let i = 0; i < matches.count; i++) {
      if (matches.rank[i]! >= maxDetections || (ignored[i]! & bit) !== 0) continue;
      const weight = weights === null ? 1 : weights[matches.image[i]!]!;
      if (weight === 0) continue;
      if ((hits[i]! & bit) === 0) {
        falsePositives += weight;
        continue;
      }
      truePositives += weight;
      this.#truePositives[points] = truePositives;
      this.#envelope[points] = truePositives / (falsePositives + truePositives + EPSILON);
      points++;
    }
    return points;
  }
}
