import type { Estimate } from './estimate.ts';
import type { Candidate } from './candidate-builder.ts';

/** A candidate that runs, with its estimated loss. */
export interface Ranked {
  readonly candidate: Candidate;
  readonly estimate: Estimate;
}

/**
 * How many standard deviations of the estimate must fit within the floor. With half of one, about seven of
 * ten candidates on the edge stay within the floor on other images.
 */
export const SAFETY = 0.5;

/** A latency ratio below this is a gain; smaller gains are noise. */
const FASTER = 0.98;
/** A ratio up to this is not slower. */
const NOT_SLOWER = 1.02;
/** Latency ratios this close count as equal. */
const ALIKE = 0.01;
/** Bytes below this share of another's are a gain. */
const SMALLER = 0.95;

/** True if a candidate probably loses at most `maxApDrop`. The original and an equal graph lose nothing. */
export function holdsFloor({ candidate, estimate }: Ranked, maxApDrop: number): boolean {
  if (candidate.plan.kind === 'original') return true;
  const { accuracy } = candidate;
  if (accuracy === null) return false;
  // a candidate without any difference needs no margin: a cleaned graph must pass a floor of 0
  if (accuracy.drop === 0 && accuracy.agreement === 1) return true;
  return estimate.drop + SAFETY * estimate.deviation <= maxApDrop;
}

/** True if it is clearly faster than the original: by its median, and in three rounds of four. */
export function isFaster({ candidate: { latency } }: Ranked): boolean {
  return latency !== null && latency.ratio < FASTER && latency.ratioHigh < 1;
}

export function isNotSlower({ candidate: { latency } }: Ranked): boolean {
  return latency !== null && latency.ratio <= NOT_SLOWER;
}

export function isSmaller(bytes: number, than: number): boolean {
  return bytes < SMALLER * than;
}

function ratioOf({ candidate }: Ranked): number {
  return candidate.latency?.ratio ?? 1e6;
}

/** Orders by latency; of those too close to distinguish, the more accurate comes first. */
export function byLatency(a: Ranked, b: Ranked): number {
  const [first, second] = [ratioOf(a), ratioOf(b)].map((ratio) => Math.round(ratio / ALIKE));
  return first! - second! || a.estimate.drop - b.estimate.drop;
}

/** Candidates within the floor that are not slower than the original, fastest first. */
export function fastestFirst(ranked: readonly Ranked[], maxApDrop: number): Ranked[] {
  return ranked.filter((entry) => holdsFloor(entry, maxApDrop) && isNotSlower(entry)).sort(byLatency);
}

/** The same, smallest first; of two with about the same size, the faster one first. */
export function smallestFirst(ranked: readonly Ranked[], maxApDrop: number): Ranked[] {
  return fastestFirst(ranked, maxApDrop).sort((a, b) => a.candidate.bytes - b.candidate.bytes);
}

/** The best for one floor. */
export interface FloorBest {
  readonly maxApDrop: number;
  readonly fastest: Ranked;
  readonly smallest: Ranked;
}

/** The best at each floor; null if not even the original was measured. */
export function bestByFloor(ranked: readonly Ranked[], floors: readonly number[]): FloorBest[] {
  return floors.flatMap((maxApDrop) => {
    const [fastest] = fastestFirst(ranked, maxApDrop);
    const [smallest] = smallestFirst(ranked, maxApDrop);
    return fastest === undefined || smallest === undefined ? [] : [{ maxApDrop, fastest, smallest }];
  });
}
