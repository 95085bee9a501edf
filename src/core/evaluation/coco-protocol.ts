/** Evenly spaced numbers, rounded exactly like numpy's `linspace`, because ties depend on it. */
function linspace(start: number, stop: number, count: number): readonly number[] {
  const step = (stop - start) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? stop : i * step + start));
}

/** 0.50, 0.55, ... 0.95 */
export const IOU_THRESHOLDS = linspace(0.5, 0.95, 10);

/** 0, 0.01, ... 1: where precision is read off the curve */
export const RECALL_LEVELS = linspace(0, 1, 101);

/** Square pixels, both ends included, as pycocotools names them. */
export const AREA_RANGES = [
  { name: 'all', least: 0, most: 1e10 },
  { name: 'small', least: 0, most: 32 ** 2 },
  { name: 'medium', least: 32 ** 2, most: 96 ** 2 },
  { name: 'large', least: 96 ** 2, most: 1e10 },
] as const;

/** Maximum detections of a class per image, best first. */
export const DETECTION_LIMITS = [1, 10, 100] as const;

export const MAX_DETECTIONS = 100;

/** Indices into AREA_RANGES. */
export const AREA = { all: 0, small: 1, medium: 2, large: 3 } as const;
