import type { SearchAccuracy } from './judge.ts';

/** An estimate of the drop on unseen images, and its uncertainty. */
export interface Estimate {
  /** AP lost, 0..1; below 0 is a gain */
  readonly drop: number;
  /** standard deviation */
  readonly deviation: number;
}

/**
 * Used before enough candidates were measured: the share of its AP that a model loses is about 1.3 times the
 * square of its loss in agreement (YOLOX-nano, static int8 with four calibrations). A small disturbance of
 * boxes and scores gains as often as it loses, so the remaining effect is of second order.
 */
const USUAL_CURVATURE = 1.3;
/** weight of that guess, in candidates */
const PRIOR_WEIGHT = 1;
/** the prediction's own error, as a share of it and in AP */
const RELATIVE_ERROR = 0.3;
const MIN_ERROR = 0.001;
/** lower bound for a measured deviation, AP */
const MIN_DEVIATION = 0.0005;

/**
 * Estimates the drop of each candidate from two measurements: the drop on the search part, which is the right
 * quantity but noisy on few images, and the agreement with the original's detections, which is precise
 * because it needs no labels, but is not AP. The relation between the two is fitted over all candidates; both
 * are then weighted by their precision.
 *
 * @param originalAp of the original on the search part, > 0
 */
export function estimateDrops(candidates: readonly SearchAccuracy[], originalAp: number): Estimate[] {
  const curvature = fitCurvature(candidates, originalAp);
  return candidates.map(({ drop, dropDeviation, agreement }) => {
    const lost = Math.max(0, 1 - agreement);
    const predicted = Math.min(originalAp, curvature * originalAp * lost ** 2);
    const own = Math.max(dropDeviation, MIN_DEVIATION) ** -2;
    const other = (RELATIVE_ERROR * predicted + MIN_ERROR) ** -2;
    return {
      drop: (own * drop + other * predicted) / (own + other),
      deviation: 1 / Math.sqrt(own + other),
    };
  });
}

/**
 * Weighted least squares of drop / originalAp = curvature * (1 - agreement)^2, with the usual value as prior.
 */
function fitCurvature(candidates: readonly SearchAccuracy[], originalAp: number): number {
  const typical = 0.1;
  let products = 0;
  let squares = 0;
  const add = (x: number, y: number, deviation: number): void => {
    const weight = deviation ** -2;
    products += weight * x * y;
    squares += weight * x * x;
  };
  add(
    typical,
    USUAL_CURVATURE * typical,
    (RELATIVE_ERROR * USUAL_CURVATURE * typical) / Math.sqrt(PRIOR_WEIGHT),
  );
  for (const { drop, dropDeviation, agreement } of candidates) {
    const x = Math.max(0, 1 - agreement) ** 2;
    // the relation does not hold for ruined models, which must not dominate the relevant ones
    const deviation = (Math.max(dropDeviation, MIN_DEVIATION) + RELATIVE_ERROR * Math.abs(drop)) / originalAp;
    add(x, drop / originalAp, deviation);
  }
  return Math.max(0, products / squares);
}
