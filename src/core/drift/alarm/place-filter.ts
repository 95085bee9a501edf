import { cholesky, dot, solve, type Triangle } from '../space/cholesky.ts';
import { Placed, type ContextSpace } from '../space/context-space.ts';
import { PLACE_VARIATION } from '../space/place-variation.ts';
import { SPACE } from '../space/scale.ts';
import { DIRECTIONS, SIGNATURES, type DirectionName } from '../space/signatures.ts';
import { blockSpreads, type BlockSpread } from './support.ts';

/** Observations whose means are compared: less than a minute, so that there is time left for an alarm. */
export const PLACE_MEAN = 25;
/** Observations that count as one place of the reference: a slow camera sees about one in that time. */
const PLACE = 50;
/** How many places of the reference what was learned weighs as much as. */
const LEARNED_PLACES = 10;
/** Added to each variance, as a share of it: places to come differ in ways that none did yet. */
const RIDGE = 0.1;

/** A weighted sum of deviations that tells a known change from another place, and how it varies between places. */
export interface PlaceFilter {
  /** in the order of `SPACE` */
  readonly weights: Float64Array;
  readonly spread: BlockSpread;
}

/** Dirt is at a place in the image, not in what the image is like; how glare looks was never measured. */
const NOT_OF_IMAGE: ReadonlySet<DirectionName> = new Set(['dirt', 'glare']);

/**
 * For each of `DIRECTIONS`, the matched filter of the change against how places differ. A slow camera sees too few of
 * them to say how 36 features vary together, so the covariance is that of its reference and of other streets, weighed
 * by how many places there are (the mean of an inverse-Wishart posterior). What is usual between places in general,
 * such as another facade, does then not count as a change, and what is not counts for more than a feature alone.
 * @param rows observations of the context, in the order of `OBSERVED`, with those of `OF_CONTEXT`
 * @returns null for a direction that it cannot tell, and for all with fewer than two places
 */
export function placeFilters(
  space: ContextSpace,
  rows: readonly Float64Array[],
): readonly (PlaceFilter | null)[] {
  const places = Math.floor(rows.length / PLACE);
  if (places < 2) return DIRECTIONS.map(() => null);
  const sigmas = sigmasOf(space, rows);
  const lower = cholesky(posteriorOf(space, meansOf(sigmas), places - 1));
  const filters = DIRECTIONS.map((name) => (NOT_OF_IMAGE.has(name) ? null : weightsOf(name, space, lower)));
  const spreads = filters.map((weights) => (weights === null ? null : spreadOf(weights, sigmas)));
  // how much neighboring places depend on each other is a matter of the places: few of them say it of no filter alone
  const known = spreads.filter((spread) => spread !== null);
  const degrees = known.reduce((sum, spread) => sum + spread.degrees, 0) / known.length + LEARNED_PLACES;
  return filters.map((weights, i) => {
    if (weights === null) return null;
    return { weights, spread: { length: PLACE_MEAN, mean: spreads[i]!.mean, deviation: 1, degrees } };
  });
}

/** Of deviations, so that their sum deviates by 1. */
function weightsOf(
  name: DirectionName,
  { isKnown, deviations }: ContextSpace,
  lower: Triangle,
): Float64Array {
  const signature = Float64Array.from(SPACE, (feature, i) =>
    isKnown[i]! ? (SIGNATURES[name][feature] ?? 0) / deviations[i]! : 0,
  );
  const raw = solve(lower, signature);
  const deviation = Math.sqrt(dot(raw, signature, raw.length));
  return raw.map((weight) => (deviation > 0 ? weight / deviation : 0));
}

/** How the weighted sum varies between the places themselves. */
function spreadOf(weights: Float64Array, sigmas: readonly Float64Array[]): BlockSpread {
  const values = sigmas.map((row) => dot(weights, row, row.length));
  return blockSpreads(values, { lengths: [PLACE], least: Number.MIN_VALUE })[0]!;
}

/** Deviations of observations, 0 for what was not measured. */
function sigmasOf(space: ContextSpace, rows: readonly Float64Array[]): Float64Array[] {
  const placed = new Placed(space);
  return rows.map((row) => {
    placed.place(row);
    return placed.sigmas.slice();
  });
}

function meansOf(rows: readonly Float64Array[]): Float64Array[] {
  return Array.from({ length: Math.floor(rows.length / PLACE_MEAN) }, (_, block) => {
    const mean = new Float64Array(SPACE.length);
    for (const row of rows.slice(block * PLACE_MEAN, (block + 1) * PLACE_MEAN))
      row.forEach((value, i) => (mean[i]! += value / PLACE_MEAN));
    return mean;
  });
}

/** The covariance of means in deviations of the context. What the context never measured varies by itself. */
function posteriorOf(
  { deviations, isKnown }: ContextSpace,
  means: readonly Float64Array[],
  degrees: number,
): Float64Array[] {
  const center = SPACE.map((_, i) => means.reduce((sum, one) => sum + one[i]!, 0) / means.length);
  const share = degrees / (degrees + LEARNED_PLACES);
  return SPACE.map((_, i) =>
    Float64Array.from(SPACE, (__, j) => {
      if (!isKnown[i]! || !isKnown[j]!) return i === j ? 1 : 0;
      const products = means.reduce((sum, one) => sum + (one[i]! - center[i]!) * (one[j]! - center[j]!), 0);
      const own = products / (means.length - 1);
      const learned = learnedBetween(i, j) / (deviations[i]! * deviations[j]!);
      return (share * own + (1 - share) * learned) * (i === j ? 1 + RIDGE : 1);
    }),
  );
}

/** The learned covariance of two scaled features. */
function learnedBetween(i: number, j: number): number {
  const [later, earlier] = i > j ? [i, j] : [j, i];
  return PLACE_VARIATION[SPACE[later]!]?.[earlier] ?? 0;
}
