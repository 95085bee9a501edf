/** Counts between fixed edges: `counts[i]` values in `(edges[i-1], edges[i]]`, the last above the last edge. */
export interface EdgeHistogram {
  readonly edgesMs: readonly number[];
  readonly counts: readonly number[];
}

/** The bucket of a value: the first whose edge is not below it, or the last, above all edges. */
export function bucketOf(edges: readonly number[], value: number): number {
  let bucket = 0;
  while (bucket < edges.length && value > edges[bucket]!) bucket += 1;
  return bucket;
}

/** The sum of histograms with the edges of the first; others cannot be added, and are left out. */
export function addHistograms(histograms: readonly EdgeHistogram[]): {
  readonly edgesMs: number[];
  readonly counts: number[];
} {
  const edgesMs = [...(histograms[0]?.edgesMs ?? [])];
  const counts = new Array<number>(edgesMs.length + 1).fill(0);
  for (const one of histograms) {
    if (!isSame(one.edgesMs, edgesMs)) continue;
    counts.forEach((count, at) => (counts[at] = count + (one.counts[at] ?? 0)));
  }
  return { edgesMs, counts };
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((edge, at) => edge === other[at]);
}

/** The number of values. */
export function countOf({ counts }: Pick<EdgeHistogram, 'counts'>): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * The value below which a share of the values lies, interpolated between the edges of its bucket; the last edge if it
 * is above that.
 */
export function percentileOf(histogram: EdgeHistogram, share: number): number {
  const { edgesMs, counts } = histogram;
  const rank = share * countOf(histogram);
  let below = 0;
  for (const [at, count] of counts.entries()) {
    const upper = edgesMs[at];
    if (upper === undefined) break;
    if (count > 0 && below + count >= rank) {
      const lower = edgesMs[at - 1] ?? 0;
      return lower + ((upper - lower) * Math.max(0, rank - below)) / count;
    }
    below += count;
  }
  return edgesMs.at(-1) ?? 0;
}
