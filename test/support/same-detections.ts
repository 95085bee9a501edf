import { readFileSync } from 'node:fs';
import { z } from 'zod';

const resultsSchema = z.array(
  z.object({
    image_id: z.number(),
    category_id: z.number(),
    bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
    score: z.number(),
  }),
);

type Results = z.infer<typeof resultsSchema>;

/** COCO results as `goshawk evaluate --detections` writes them. */
export function readResults(file: string): Results {
  return resultsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** How far apart the detections of two machines are. */
export interface Difference {
  /** detections without a counterpart on the other side */
  readonly unmatched: number;
  readonly score: number;
  /** pixels, any edge */
  readonly edge: number;
}

const edges = ([x, y, width, height]: Results[number]['bbox']): number[] => [x, y, x + width, y + height];

/** Detections with an edge further apart than this, in pixels, are not the same. */
const APART = 1;

/**
 * Compares detections of the same images. Those with a score below `floor` need no counterpart: rounding moves them
 * across the threshold.
 */
export function differenceOf(one: Results, other: Results, floor: number): Difference {
  let [unmatched, score, edge] = [0, 0, 0];
  const left = new Set(other);
  for (const found of one) {
    const gap = (each: Results[number]): number =>
      Math.max(...edges(each.bbox).map((at, index) => Math.abs(at - edges(found.bbox)[index]!)));
    const alike = [...left]
      .filter((each) => each.image_id === found.image_id && each.category_id === found.category_id)
      .sort((a, b) => gap(a) - gap(b));
    const nearest = alike[0];
    if (nearest === undefined || gap(nearest) > APART) {
      if (found.score > floor) unmatched += 1;
      continue;
    }
    left.delete(nearest);
    edge = Math.max(edge, gap(nearest));
    score = Math.max(score, Math.abs(found.score - nearest.score));
  }
  unmatched += [...left].filter((each) => each.score > floor).length;
  return { unmatched, score, edge };
}
