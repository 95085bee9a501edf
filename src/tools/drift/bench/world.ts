import { DRIFT_KINDS, DRIFT_STRENGTHS, type DriftKind } from '../../../contract/drift-bench.ts';
import { PART } from '../../../core/drift/alarm/held-out.ts';
import { makeFeatures } from '../../../core/drift/reference/make-features.ts';
import { contextOf } from '../../../core/drift/reference/observations.ts';
import type { JudgedReference } from '../../../core/drift/verdict/camera-judge.ts';
import { createRandom, mixSeeds } from '../../../core/random.ts';
import type { Conditions } from '../../../sim/drawing/conditions.ts';
import { DAY, driftOf, NIGHT, type DriftStrength } from './kinds.ts';
import type { SimPeriod } from './sim-observer.ts';

const DAY_SECONDS = 86_400;
/** Days after the reference that are without drift. */
const QUIET_DAYS = 7;
/** Observations of a piece of the reference: calibration holds out as many at once, so no place is on both sides. */
const REFERENCE_PIECE = PART;
/** Seconds from one drift to the next. */
const BETWEEN = 1_000;

export type ObservedRows = readonly Float64Array[];

/** A drift that was observed: it begins with the first row. */
export interface Drifting {
  readonly kind: DriftKind;
  readonly strength: DriftStrength;
  readonly rows: ObservedRows;
}

/** A street with its reference, pieces of the week after it without drift, and every drift. */
export interface BenchWorld {
  readonly reference: JudgedReference;
  readonly referenceRows: ObservedRows;
  readonly quiet: { readonly day: readonly ObservedRows[]; readonly night: readonly ObservedRows[] };
  readonly drifts: readonly Drifting[];
}

export interface WorldSizes {
  /** of each context, in the reference */
  readonly referencePieces: number;
  /** of each context, without drift after it */
  readonly pieces: number;
  /** observations of a piece, and of a drift */
  readonly piece: number;
}

type Observe = (period: SimPeriod) => Promise<Float64Array[]>;

/**
 * Observes a street: pieces of a day for the reference, pieces of the 7 days after it, then drift. Rendering it all is
 * not affordable, and neighboring observations say little.
 */
export async function observeWorld(
  observe: Observe,
  seed: number,
  { referencePieces, pieces, piece }: WorldSizes,
): Promise<BenchWorld> {
  const spread = (conditions: Conditions, from: number, days: number, count: number, seconds: number) =>
    inTurn(
      Array.from({ length: count }, (_, i) => {
        const start = from + Math.round((i * days * DAY_SECONDS) / count);
        return () => observe({ seed, conditions, from: start, seconds });
      }),
    );
  const contexts = [DAY, NIGHT];
  const [referenceDay, referenceNight] = await inTurn(
    contexts.map((one) => () => spread(one, 0, 1, referencePieces, REFERENCE_PIECE)),
  );
  const [day, night] = await inTurn(
    contexts.map((one) => () => spread(one, DAY_SECONDS, QUIET_DAYS, pieces, piece)),
  );
  const drifts = await observeDrifts(observe, seed, piece);
  const [dayRows, nightRows] = [referenceDay!.flat(), referenceNight!.flat()];
  return {
    reference: makeJudged(dayRows, nightRows, seed),
    referenceRows: [...dayRows, ...nightRows],
    quiet: { day: day!, night: night! },
    drifts,
  };
}

function makeJudged(day: ObservedRows, night: ObservedRows, seed: number): JudgedReference {
  const contexts = [
    { name: 'day', ...contextOf(day) },
    { name: 'night', ...contextOf(night) },
  ];
  return { contexts, features: makeFeatures(contexts, createRandom(mixSeeds(seed, 1))) };
}

function observeDrifts(observe: Observe, seed: number, seconds: number): Promise<Drifting[]> {
  const all = DRIFT_KINDS.flatMap((kind) => DRIFT_STRENGTHS.map((strength) => ({ kind, strength })));
  return inTurn(
    all.map(({ kind, strength }, i) => async (): Promise<Drifting> => {
      const { conditions, street } = driftOf(kind, strength);
      const own = street === 0 ? seed : mixSeeds(seed, street);
      const from = (1 + QUIET_DAYS) * DAY_SECONDS + i * BETWEEN;
      return { kind, strength, rows: await observe({ seed: own, conditions, from, seconds }) };
    }),
  );
}

async function inTurn<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const task of tasks) results.push(await task());
  return results;
}
