import type { DriftSummary } from '../summary.ts';
import { foldsOf, regressionOn, type Unseen } from './folds.ts';
import { shareOfSum, type Link } from './link.ts';
import { rankCorrelation } from './rank-correlation.ts';
import { REGRESSORS, type RegressorName } from './regressors.ts';
import type { Regression } from './ridge.ts';
import { regressorValues, type AccuracySample, type BaselineKind } from './samples.ts';

/** of each regressor's mean square: enough to keep the weights of near twins apart */
export const PENALTY = 0.01;
/** share of the errors within an interval */
const WITHIN = 0.9;

/** The share kept follows from these weights times the regressors (`Link`). */
export interface ShareModel {
  /** absent for a linear one */
  readonly link?: Link | undefined;
  readonly regressors: readonly { readonly name: RegressorName; readonly weight: number }[];
}

/** A sample that the model was not fitted on. */
export interface LeftOut {
  readonly sample: AccuracySample;
  readonly estimated: number;
}

/** Errors of estimates; true minus estimated share. */
export interface ShareErrors {
  readonly samples: number;
  readonly meanAbsolute: number;
  /** 5th and 95th percentile */
  readonly low: number;
  readonly high: number;
  /** Spearman's; NaN if one side is constant */
  readonly rankCorrelation: number;
}

/** Measures that a model is made of, and how much it counts beside models of other sets. */
export interface MeasureSet {
  readonly names: readonly RegressorName[];
  /** > 0 */
  readonly weight: number;
  /** the same for all sets of a fit; linear if absent */
  readonly link?: Link;
}

/**
 * Fits weights for each set of measures, and takes their mean: sums are linear, so the mean of models is one, too.
 * @param sets one or more
 * @throws RangeError without a sample that has all measures
 */
export function fitShare(
  samples: readonly AccuracySample[],
  sets: readonly MeasureSet[],
  kind: BaselineKind,
): ShareModel {
  const names = namesOf(sets);
  return meanModel(regressionOn(samples, names, kind, linkOf(sets)), names, sets);
}

const linkOf = (sets: readonly MeasureSet[]): Link => sets[0]?.link ?? 'linear';

const namesOf = (sets: readonly MeasureSet[]): RegressorName[] =>
  REGRESSORS.filter((name) => sets.some(({ names }) => names.includes(name)));

/** @param names the columns of the regression */
function meanModel(
  regression: Regression,
  names: readonly RegressorName[],
  sets: readonly MeasureSet[],
): ShareModel {
  const means = new Float64Array(names.length);
  const weights = new Float64Array(names.length);
  const total = sets.reduce((sum, { weight }) => sum + weight, 0);
  for (const set of sets) {
    const columns = set.names.map((name) => names.indexOf(name));
    regression.solve(columns, PENALTY, weights);
    columns.forEach((column, i) => (means[column]! += (set.weight / total) * weights[i]!));
  }
  const regressors = names.map((name, i) => ({ name, weight: means[i]! }));
  const link = linkOf(sets);
  return link === 'linear' ? { regressors } : { link, regressors };
}

/** The share of AP that is kept, 0..1; null if a regressor cannot be computed. */
export function shareOf(model: ShareModel, now: DriftSummary, baseline: DriftSummary): number | null {
  const values = regressorValues(
    model.regressors.map(({ name }) => name),
    now,
    baseline,
  );
  if (values === null) return null;
  return estimateOf(model, values);
}

/** @param values of the model's regressors */
function estimateOf({ link = 'linear', regressors }: ShareModel, values: readonly number[]): number {
  const sum = regressors.reduce((total, { weight }, i) => total + weight * values[i]!, 0);
  return shareOfSum(link, sum);
}

/**
 * Estimates each degraded sample by a model that has not seen its corruption, nor its scene mix unless the corruption
 * alone is to be left out or there is no other mix.
 * @param tried corruptions whose samples are estimated; all by default
 */
export function leaveOut(
  samples: readonly AccuracySample[],
  sets: readonly MeasureSet[],
  kind: BaselineKind,
  tried?: readonly string[],
  unseen: Unseen = 'corruption and scene mix',
): LeftOut[] {
  const names = namesOf(sets);
  return foldsOf(samples, names, kind, { tried, unseen, link: linkOf(sets) }).flatMap(({ known, left }) => {
    const model = meanModel(known, names, sets);
    return left.map(({ sample, values }) => ({ sample, estimated: estimateOf(model, values) }));
  });
}

/** @param leftOut at least one */
export function errorsOf(leftOut: readonly LeftOut[]): ShareErrors {
  const errors = leftOut.map(({ sample, estimated }) => sample.share - estimated).sort((a, b) => a - b);
  const at = (share: number): number =>
    errors[Math.max(0, Math.min(errors.length - 1, Math.round(share * (errors.length + 1)) - 1))]!;
  return {
    samples: errors.length,
    meanAbsolute: errors.reduce((sum, error) => sum + Math.abs(error), 0) / errors.length,
    low: at((1 - WITHIN) / 2),
    high: at((1 + WITHIN) / 2),
    rankCorrelation: rankCorrelation(
      leftOut.map(({ sample }) => sample.share),
      leftOut.map(({ estimated }) => estimated),
    ),
  };
}
