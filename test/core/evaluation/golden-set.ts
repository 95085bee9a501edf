import { readFileSync } from 'node:fs';
import type { EvaluationSet } from '../../../src/core/evaluation/boxes.ts';

export interface GoldenSet {
  name: string;
  annotations: {
    images: { id: number }[];
    annotations: {
      image_id: number;
      category_id: number;
      bbox: [number, number, number, number];
      area: number;
      iscrowd: number;
    }[];
    categories: { id: number }[];
  };
  detections: {
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
    score: number;
  }[];
  expected: {
    stats: number[];
    byClass: Record<string, { ap: number | null; ap50: number | null; precision50: number[] | null }>;
  };
}

/** Data sets of golden/make.py with the results of pycocotools. */
export const goldenSets = JSON.parse(
  readFileSync(new URL('golden/coco.json', import.meta.url), 'utf8'),
) as GoldenSet[];

export const categoryIds = (golden: GoldenSet): number[] =>
  golden.annotations.categories.map(({ id }) => id).sort((a, b) => a - b);

/** The input of the evaluator: images and classes in ascending order of their ids. */
export function evaluationSet(golden: GoldenSet): EvaluationSet {
  const images = golden.annotations.images.map(({ id }) => id).sort((a, b) => a - b);
  const categories = categoryIds(golden);
  const common = (entry: {
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
  }) => {
    const [x, y, width, height] = entry.bbox;
    const image = images.indexOf(entry.image_id);
    return { image, classIndex: categories.indexOf(entry.category_id), x, y, width, height };
  };
  return {
    images: images.length,
    classes: categories.length,
    truths: golden.annotations.annotations.map((entry) => ({
      ...common(entry),
      area: entry.area,
      crowd: entry.iscrowd === 1,
    })),
    detections: golden.detections.map((entry) => ({ ...common(entry), score: entry.score })),
  };
}
