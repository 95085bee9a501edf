import type { Estimate } from './estimate.ts';
import type { Candidate } from './candidate-builder.ts';

/** A candidate that runs, with what it probably costs. */
export interface Ranked {
  readonly candidate: Candidate;
  readonly estimate: Estimate;
}

/**
 * How many standard deviations of the estimate have to fit below the floor. Half of one: about seven of ten
 * candidates on the edge hold the floor on other images.
 */
export const SAFETY = 0.5;

/** A latency ratio below this is a gain: smaller ones come and go with the machine's mood. */
const FASTER = 0.98;
/** A ratio up to this is not slower. */
const NOT_SLOWER = 1.02;
/** Latency ratios that far apart are not told apart. */
const ALIKE = 0.01;
/** Bytes below this share of another's are a gain. */
const SMALLER = 0.95;

/** True if a candidate probably loses no more than `maxApDrop`. The original and an equal graph lose nothing. */
export function holdsFloor({ candidate, estimate }: Ranked, maxApDrop: number): boolean {
  if (candidate.plan.kind === 'original') return true;
  const { accuracy } = candidate;
  if (accuracy === null) return false;
  // what is no different needs no safety: a cleaned graph has to pass a floor of 0
  if (accuracy.drop === 0 && accuracy.agreement === 1) return true;
  return estimate.drop + SAFETY * estimate.deviation <= maxApDrop;
}

/** True if it is faster than the original beyond doubt: by its median, and by three rounds of four. */
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

/** By latency; of those that nobody could tell apart the more accurate goes first. */
export function byLatency(a: Ranked, b: Ranked): number {
  const [first, second] = [ratioOf(a), ratioOf(b)].map((ratio) => Math.round(ratio / ALIKE));
  return first! - second! || a.estimate.drop - b.estimate.drop;
}

/** Those that hold the floor and are not slower than the original, fastest first. */
export function fastestFirst(ranked: readonly Ranked[], maxApDrop: number): Ranked[] {
  return ranked.filter((entry) => holdsFloor(entry, maxApDrop) && isNotSlower(entry)).sort(byLatency);
}

/** The same, smallest first; of two that are about as small the faster one. */
export function smallestFirst(ranked: readonly Ranked[], maxApDrop: number): Ranked[] {
  return fastestFirst(ranked, maxApDrop).sort((a, b) => a.candidate.bytes - b.candidate.bytes);
}

/** The best for one floor. */
export interface FloorBest {
  readonly maxApDrop: number;
  readonly fastest: Ranked;
  readonly smallest: Ranked;
}

/** The best at each floor; null if not even the original is there. */
export function bestByFloor(ranked: readonly Ranked[], floors: readonly number[]): FloorBest[] {
  return floors.flatMap((maxApDrop) => {
    const [fastest] = fastestFirst(ranked, maxApDrop);
    const [smallest] = smallestFirst(ranked, maxApDrop);
    return fastest === undefined || smallest === undefined ? [] : [{ maxApDrop, fastest, smallest }];
  });
}
