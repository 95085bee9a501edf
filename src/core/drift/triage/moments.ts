import { countOf } from '../../edge-histogram.ts';
import { meanOf, type FeatureCounts } from '../feature-counts.ts';
import { FEATURES, type FeatureName } from '../features.ts';

/** Mean and variance of the values of a feature. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** from the bins: each value counts as the middle of its bin */
  readonly variance: number;
}

/** In the feature's unit; null without a value. */
export function momentsOf(name: FeatureName, counts: FeatureCounts): Moments | null {
  const count = countOf(counts);
  if (count === 0) return null;
  let [first, second] = [0, 0];
  counts.counts.forEach((inBin, at) => {
    const middle = middleOf(name, counts.first + at);
    first += (inBin * middle) / count;
    second += (inBin * middle * middle) / count;
  });
  return { count, mean: meanOf(name, counts), variance: Math.max(0, second - first * first) };
}

/** The middle of a bin; the last one of a feature without a highest value counts as its edge. */
function middleOf(name: FeatureName, bin: number): number {
  const { edges, range } = FEATURES[name];
  const last = edges.at(-1) ?? range[0];
  const lower = bin === 0 ? range[0] : (edges[bin - 1] ?? last);
  const upper = edges[bin] ?? (Number.isFinite(range[1]) ? range[1] : last);
  return (lower + upper) / 2;
}
