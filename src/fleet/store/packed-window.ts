/**
 * A window of a detector, all cameras together, as `fleet.latest.recent` has it. A row is read and written with each
 * message, so its size is what it costs: values have no names, and of the counts there are only those from the first to
 * the last that is not 0.
 */
export type PackedWindow = readonly [
  /** of its message: one that is received twice counts once */
  id: string,
  /** when it was received, ms since the epoch */
  atMs: number,
  /** its length, ms */
  ms: number,
  cameras: number,
  received: number,
  published: number,
  drops: Readonly<Record<string, number>>,
  /** where in `LATENCY_EDGES_MS` the counts begin */
  first: number,
  counts: readonly number[],
  temperatureCelsius: number | null,
];

/** Counts without the zeros at both ends, and where they began. */
export function packCounts(counts: readonly number[]): readonly [first: number, counts: readonly number[]] {
  const first = Math.max(
    0,
    counts.findIndex((count) => count !== 0),
  );
  return [first, counts.slice(first, counts.findLastIndex((count) => count !== 0) + 1)];
}
