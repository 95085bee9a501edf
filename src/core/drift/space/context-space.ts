import { meanAndDeviation } from '../../mean-and-deviation.ts';
import { cholesky, dot, solve } from './cholesky.ts';
import { scaleInto, SPACE } from './scale.ts';
import { DIRECTIONS, SIGNATURES, type DirectionName } from './signatures.ts';

/** Of a correlation matrix, towards independent features: the reference is short, and tomorrow differs. */
const SHRINKAGE = 0.2;
/** A deviation is at least this share of the mean one of all contexts, and this much. */
const MIN_SHARE = 0.25;
const MIN_DEVIATION = 1e-3;
/** Deviations count up to this many, in the likeness to a direction, and in distances. */
const MAX_SIGMAS = 20;
const MAX_IN_LIKENESS = 8;
const MAX_IN_DISTANCE = 6;

/** Where a declared-good context lies in the space of features, and how it would look in which direction. */
export interface ContextSpace {
  /** in the order of `SPACE` */
  readonly means: Float64Array;
  readonly deviations: Float64Array;
  /** whether a feature was ever measured */
  readonly isKnown: readonly boolean[];
  /** for each of `DIRECTIONS`, weights of the deviations */
  readonly weights: readonly Float64Array[];
}

/** @param contexts observations of each, in the order of `OBSERVED` */
export function makeSpaces(contexts: readonly (readonly Float64Array[])[]): ContextSpace[] {
  const scaled = contexts.map((rows) =>
    rows.map((row) => {
      const out = new Float64Array(SPACE.length);
      scaleInto(row, out);
      return out;
    }),
  );
  const spreads = scaled.map(spreadOf);
  const typical = SPACE.map(
    (_, i) => spreads.reduce((sum, { deviations }) => sum + deviations[i]!, 0) / spreads.length,
  );
  return spreads.map(({ means, deviations, isKnown }, k) => {
    const floored = deviations.map((one, i) => Math.max(one, MIN_SHARE * typical[i]!, MIN_DEVIATION));
    return { means, deviations: floored, isKnown, weights: weightsOf(scaled[k]!, means, floored) };
  });
}

/** A feature without a value has mean and deviation 0. */
function spreadOf(rows: readonly Float64Array[]): Omit<ContextSpace, 'weights'> {
  const means = new Float64Array(SPACE.length);
  const deviations = new Float64Array(SPACE.length);
  const isKnown = SPACE.map(() => false);
  for (let i = 0; i < SPACE.length; i++) {
    const values = rows.map((row) => row[i]!).filter(Number.isFinite);
    if (values.length === 0) continue;
    isKnown[i] = true;
    ({ mean: means[i], deviation: deviations[i] } = meanAndDeviation(values));
  }
  return { means, deviations, isKnown };
}

/**
 * The matched filter of each signature s: C^-1 s, over its own deviation sqrt(s' C^-1 s). Of all weighted sums of
 * features, it has the highest ratio of the shift by s to the deviation without drift (Fisher 1936).
 */
function weightsOf(
  rows: readonly Float64Array[],
  means: Float64Array,
  deviations: Float64Array,
): Float64Array[] {
  const lower = cholesky(correlationOf(rows, means, deviations));
  return DIRECTIONS.map((name) => {
    const signature = Float64Array.from(
      SPACE,
      (feature, i) => (SIGNATURES[name][feature] ?? 0) / deviations[i]!,
    );
    const weights = solve(lower, signature);
    const deviation = Math.sqrt(dot(weights, signature, weights.length));
    return weights.map((weight) => weight / deviation);
  });
}

function correlationOf(
  rows: readonly Float64Array[],
  means: Float64Array,
  deviations: Float64Array,
): Float64Array[] {
  const sums = SPACE.map(() => new Float64Array(SPACE.length));
  for (const row of rows) {
    const sigmas = row.map((value, i) => orZero((value - means[i]!) / deviations[i]!));
    for (let i = 0; i < sigmas.length; i++)
      for (let j = 0; j < sigmas.length; j++) sums[i]![j]! += sigmas[i]! * sigmas[j]!;
  }
  return sums.map((sum, i) =>
    sum.map((one, j) => ((1 - SHRINKAGE) * one) / rows.length + (i === j ? SHRINKAGE : 0)),
  );
}

const orZero = (value: number): number => (Number.isFinite(value) ? value : 0);
const clip = (value: number, most: number): number => Math.max(-most, Math.min(most, value));

/** An observation as it looks from a context. */
export class Placed {
  /** deviations from the context, in the order of `SPACE`; 0 for what was not measured */
  readonly sigmas = new Float64Array(SPACE.length);
  /** for each of `DIRECTIONS`, in standard deviations of the context; NaN if less than half was measured */
  readonly likenesses = new Float64Array(DIRECTIONS.length);
  readonly #space: ContextSpace;
  readonly #scaled = new Float64Array(SPACE.length);
  readonly #known: number;
  readonly #clipped = new Float64Array(SPACE.length);

  constructor(space: ContextSpace) {
    this.#space = space;
    this.#known = space.isKnown.filter(Boolean).length;
  }

  /** @param observation in the order of `OBSERVED` */
  place(observation: ArrayLike<number>): void {
    const { means, deviations, weights, isKnown } = this.#space;
    scaleInto(observation, this.#scaled);
    let measured = 0;
    for (let i = 0; i < SPACE.length; i++) {
      if (isKnown[i]! && Number.isFinite(this.#scaled[i]!)) measured += 1;
      const sigmas = orZero((this.#scaled[i]! - means[i]!) / deviations[i]!);
      this.sigmas[i] = clip(sigmas, MAX_SIGMAS);
      this.#clipped[i] = clip(sigmas, MAX_IN_LIKENESS);
    }
    const isEnough = measured > 0 && 2 * measured >= this.#known;
    for (let i = 0; i < weights.length; i++)
      this.likenesses[i] = isEnough ? dot(weights[i]!, this.#clipped, SPACE.length) : NaN;
  }

  /** The sum of squared deviations. */
  get distance(): number {
    let sum = 0;
    for (const one of this.sigmas) sum += clip(one, MAX_IN_DISTANCE) ** 2;
    return sum;
  }

  /** What each feature adds to the likeness to a direction, in the order of `SPACE`. */
  contributions(direction: DirectionName): Float64Array {
    const weights = this.#space.weights[DIRECTIONS.indexOf(direction)]!;
    return this.#clipped.map((one, i) => one * weights[i]!);
  }
}
