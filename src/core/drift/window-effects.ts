import { countOf } from '../edge-histogram.ts';
import { meanOf, type FeatureCounts } from './feature-counts.ts';
import { FEATURES, type FeatureName } from './features.ts';
import { populationStability } from './measures/divergence.ts';

/** How far the histogram of a feature is from another one. */
export interface WindowEffect {
  /** means, in the feature's unit */
  readonly now: number;
  readonly reference: number;
  /** first Wasserstein distance over the reference's standard deviation, as far as bins can show it */
  readonly wasserstein: number;
  /** population stability index over the bins */
  readonly psi: number;
}

/** Shares of all bins of a feature, which add up to 1. @param counts at least one value */
export function sharesOf(name: FeatureName, counts: FeatureCounts): number[] {
  const total = countOf(counts);
  const shares = new Array<number>(FEATURES[name].edges.length + 1).fill(0);
  counts.counts.forEach((count, i) => {
    if (counts.first + i < shares.length) shares[counts.first + i] = count / total;
  });
  return shares;
}

/** Lowest and highest value of each bin; they are the same for the last one of a feature without a highest value. */
export function binBounds(name: FeatureName): (readonly [low: number, high: number])[] {
  const { edges, range } = FEATURES[name];
  const last = edges.at(-1) ?? range[0];
  const highest = Number.isFinite(range[1]) ? range[1] : last;
  return [...edges, highest].map((high, i) => [edges[i - 1] ?? range[0], high] as const);
}

/**
 * Measures of effect of two histograms of one feature. Values count as spread evenly over their bin, those of an
 * unbounded last bin as its lowest.
 */
export function effectBetween(name: FeatureName, now: FeatureCounts, reference: FeatureCounts): WindowEffect {
  const [p, q] = [sharesOf(name, now), sharesOf(name, reference)];
  const bounds = binBounds(name);
  let [area, before] = [0, 0];
  bounds.forEach(([low, high], i) => {
    const after = before + p[i]! - q[i]!;
    area += (high - low) * meanHeight(before, after);
    before = after;
  });
  return {
    now: meanOf(name, now),
    reference: meanOf(name, reference),
    wasserstein: area / deviationOf(q, bounds),
    psi: populationStability(p, q),
  };
}

/** Mean of |x| on the line from one value to another. */
function meanHeight(from: number, to: number): number {
  if (from * to >= 0) return Math.abs(from + to) / 2;
  return (from * from + to * to) / (2 * (Math.abs(from) + Math.abs(to)));
}

/** Of values that are spread evenly over their bins: never 0, since the smallest bin has a width. */
function deviationOf(shares: readonly number[], bounds: readonly (readonly [number, number])[]): number {
  let [mean, squares] = [0, 0];
  bounds.forEach(([low, high], i) => {
    mean += (shares[i]! * (low + high)) / 2;
    squares += (shares[i]! * (low * low + low * high + high * high)) / 3;
  });
  const widths = bounds.map(([low, high]) => high - low).filter((width) => width > 0);
  const least = Math.min(...widths) / Math.sqrt(12);
  return Math.max(least, Math.sqrt(Math.max(0, squares - mean * mean)));
}
