import { addHistograms, type EdgeHistogram } from '../edge-histogram.ts';

/** What one camera did in some time: everything in it adds up, over times, cameras and robots. */
export interface CameraRollup {
  /** length of its windows together, ms */
  readonly coveredMs: number;
  /** end of the last of them, ms since the epoch */
  readonly untilMs: number;
  readonly received: number;
  readonly published: number;
  /** frames by reason, without zeros */
  readonly drops: Readonly<Record<string, number>>;
  readonly latency: EdgeHistogram & { readonly sumMs: number };
}

/** The sum of rollups, in any order the same up to the rounding of `sumMs`; null if there is none. */
export function addCameraRollups(all: readonly CameraRollup[]): CameraRollup | null {
  if (all.length === 0) return null;
  const sum = (value: (one: CameraRollup) => number): number =>
    all.reduce((total, one) => addCounts(total, value(one)), 0);
  return {
    coveredMs: sum(({ coveredMs }) => coveredMs),
    untilMs: all.reduce((latest, { untilMs }) => Math.max(latest, untilMs), -Infinity),
    received: sum(({ received }) => received),
    published: sum(({ published }) => published),
    drops: addDrops(all.map(({ drops }) => drops)),
    latency: {
      ...addHistograms(all.map(({ latency }) => latency)),
      sumMs: all.reduce((total, { latency }) => total + latency.sumMs, 0),
    },
  };
}

/** Counts by reason, added. A reason may have any name. */
export function addDrops(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const drops of all)
    for (const [reason, count] of Object.entries(drops))
      if (count > 0) sums.set(reason, addCounts(sums.get(reason) ?? 0, count));
  return Object.fromEntries([...sums].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** What a robot claims may be anything: a sum stays a number that is exact. */
function addCounts(one: number, other: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, one + other);
}
