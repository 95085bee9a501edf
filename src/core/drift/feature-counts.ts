import { bucketOf, countOf } from '../edge-histogram.ts';
import { FEATURES, type FeatureName } from './features.ts';

/** The histogram of one feature and the sum of its values, as they travel: whole numbers, which add up exactly. */
export interface FeatureCounts {
  /** the values, each rounded to the feature's resolution, in steps of it */
  readonly sum: number;
  /** index of the first bin that is not empty */
  readonly first: number;
  /** of the bins from there to the last that is not empty */
  readonly counts: number[];
}

/** Whole numbers stay whole: absurd values end at the largest one, which every reader takes. */
export function cappedSum(sum: number, more: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, sum + more);
}

/** Counts values of one feature. */
export class FeatureHistogram {
  readonly #edges: readonly number[];
  readonly #resolution: number;
  readonly #counts: Float64Array;
  #sum = 0;
  #isEmpty = true;

  constructor(name: FeatureName) {
    const { edges, resolution } = FEATURES[name];
    this.#edges = edges;
    this.#resolution = resolution;
    this.#counts = new Float64Array(edges.length + 1);
  }

  /** What is not a number, or below 0 as `ABSENT` is, was not measured and does not count. */
  note(value: number): void {
    if (!(value >= 0 && value < Infinity)) return;
    this.#counts[bucketOf(this.#edges, value)]! += 1;
    this.#sum = cappedSum(this.#sum, Math.round(value / this.#resolution));
    this.#isEmpty = false;
  }

  /** null if nothing was counted */
  read(): FeatureCounts | null {
    if (this.#isEmpty) return null;
    const counts = this.#counts;
    const first = counts.findIndex((count) => count > 0);
    const last = counts.findLastIndex((count) => count > 0);
    return { sum: this.#sum, first, counts: [...counts.subarray(first, last + 1)] };
  }
}

/** Both together. */
export function addCounts(one: FeatureCounts, other: FeatureCounts): FeatureCounts {
  const first = Math.min(one.first, other.first);
  const end = Math.max(one.first + one.counts.length, other.first + other.counts.length);
  const counts = new Array<number>(end - first).fill(0);
  for (const part of [one, other])
    part.counts.forEach((count, i) => (counts[part.first - first + i]! += count));
  return { sum: one.sum + other.sum, first, counts };
}

/** The mean of the values, in the feature's unit, exact to its resolution. */
export function meanOf(name: FeatureName, counts: FeatureCounts): number {
  return (counts.sum * FEATURES[name].resolution) / countOf(counts);
}
