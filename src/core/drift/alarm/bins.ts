import { bucketOf } from '../../edge-histogram.ts';

/** Bins of a feature, at most. */
export const MAX_BINS = 16;
/** Added to each count of a context, so that a bin that it never reached is unlikely and not impossible. */
const SMOOTHING = 0.5;
/** How far the outermost edges are from the values of the reference, in spans of its middle nine tenths. */
const MARGIN = 0.25;

const isMeasured = (value: number): boolean => !Number.isNaN(value);

/**
 * Edges of at most 16 bins: quantiles of the values of a context, and one bin on each side beyond what was ever seen.
 * Few distinct values get a bin each.
 * @param values NaN for what was not measured
 * @returns ascending, for `binOf`; empty without a value
 */
export function edgesOf(values: ArrayLike<number>): number[] {
  const sorted = Float64Array.from(Array.from(values).filter(isMeasured)).sort();
  if (sorted.length === 0) return [];
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  const distinct = [...new Set(sorted)];
  const isDiscrete = distinct.length <= MAX_BINS / 2 - 1 && distinct.every(Number.isInteger);
  if (isDiscrete) return ascending(distinct.flatMap((value) => [value - 0.5, value + 0.5]));
  const margin = MARGIN * (at(0.95) - at(0.05));
  const inner = Array.from({ length: MAX_BINS - 3 }, (_, i) => at((i + 1) / (MAX_BINS - 2)));
  return ascending([at(0) - margin, ...inner, at(1) + margin]);
}

const ascending = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

/** The bin of a value: as many as `edges`, and one more. */
export const binOf = bucketOf;

/** How likely each bin is in a context; adds up to 1. */
export function probabilitiesOf(edges: readonly number[], values: ArrayLike<number>): number[] {
  const counts = new Array<number>(edges.length + 1).fill(SMOOTHING);
  let total = SMOOTHING * counts.length;
  for (const value of Array.from(values).filter(isMeasured)) {
    counts[binOf(edges, value)]! += 1;
    total += 1;
  }
  return counts.map((count) => count / total);
}
