import type { DriftSummary } from '../summary.ts';
import { rankCorrelation } from './rank-correlation.ts';
import type { RegressorName } from './regressors.ts';
import { ridge } from './ridge.ts';
import {
  baselinesOf,
  CLEAN,
  corruptionsOf,
  regressorValues,
  type AccuracySample,
  type BaselineKind,
} from './samples.ts';

/** of each regressor's mean square: enough to keep the weights of near twins apart */
const PENALTY = 0.01;
/** a regressor is added if it takes off at least this much of the mean absolute error */
const MIN_GAIN = 0.002;
const MAX_REGRESSORS = 6;
/** share of the errors within an interval */
const WITHIN = 0.9;

/** The share kept is 1 plus these weights times the regressors, between 0 and 1. */
export interface ShareModel {
  readonly regressors: readonly { readonly name: RegressorName; readonly weight: number }[];
}

/** A sample that the model was not fitted on. */
export interface LeftOut {
  readonly sample: AccuracySample;
  readonly estimated: number;
}

/** What a model has not seen of the sample that it is tried on: its corruption alone, or its scene mix as well. */
export type Unseen = 'corruption' | 'corruption and scene mix';

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

/** A sample with the values of regressors. */
interface Row {
  readonly corruption: string;
  readonly values: readonly number[];
  readonly target: number;
}

/**
 * Fits the weights. Clean frames count as well if they are compared with other scenes: nothing is lost there.
 * @throws RangeError without a sample that has all regressors
 */
export function fitShare(
  samples: readonly AccuracySample[],
  names: readonly RegressorName[],
  kind: BaselineKind,
): ShareModel {
  return fitRows(rowsOf(samples, names, kind), names);
}

/** Samples without one of the values are left out. */
function rowsOf(
  samples: readonly AccuracySample[],
  names: readonly RegressorName[],
  kind: BaselineKind,
): Row[] {
  const baselines = baselinesOf(samples, kind);
  return samples.flatMap(({ mix, summary, share, corruption }) => {
    if (kind === 'own' && corruption === CLEAN) return [];
    const baseline = baselines.get(mix);
    const values = baseline === undefined ? null : regressorValues(names, summary, baseline);
    return values === null ? [] : [{ corruption, values, target: share - 1 }];
  });
}

function fitRows(rows: readonly Row[], names: readonly RegressorName[]): ShareModel {
  if (rows.length === 0) throw new RangeError('no sample has all regressors');
  const values = rows.map((row) => row.values);
  const targets = rows.map(({ target }) => target);
  const weights = ridge(values, targets, PENALTY);
  return { regressors: names.map((name, i) => ({ name, weight: weights[i]! })) };
}

/** The share of AP that is kept, 0..1; null if a regressor cannot be computed. */
export function shareOf(model: ShareModel, now: DriftSummary, baseline: DriftSummary): number | null {
  const values = regressorValues(
    model.regressors.map(({ name }) => name),
    now,
    baseline,
  );
  if (values === null) return null;
  const sum = model.regressors.reduce((total, { weight }, i) => total + weight * values[i]!, 1);
  return Math.max(0, Math.min(1, sum));
}

/**
 * Estimates each degraded sample by a model that has not seen its corruption, nor its scene mix unless the corruption
 * alone is to be left out or there is no other mix.
 * @param tried corruptions whose samples are estimated; all by default
 */
export function leaveOut(
  samples: readonly AccuracySample[],
  names: readonly RegressorName[],
  kind: BaselineKind,
  tried: readonly string[] = corruptionsOf(samples),
  unseen: Unseen = 'corruption and scene mix',
): LeftOut[] {
  const baselines = baselinesOf(samples, kind);
  return [...baselines].flatMap(([mix, baseline]) => {
    const keepsMix = unseen === 'corruption' || baselines.size === 1;
    const others = samples.filter((sample) => keepsMix || sample.mix !== mix);
    const rows = rowsOf(others, names, kind);
    return tried.flatMap((corruption) => {
      const known = rows.filter((row) => row.corruption !== corruption);
      const model = fitRows(known, names);
      const own = samples.filter((sample) => sample.mix === mix && sample.corruption === corruption);
      return own.flatMap((sample) => {
        const estimated = shareOf(model, sample.summary, baseline);
        return estimated === null ? [] : [{ sample, estimated }];
      });
    });
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

/**
 * Few regressors, one after another: each time the one that takes off most of the error of left-out samples. One that
 * a sample has no value of is not taken, so that all choices are compared over the same samples.
 * @returns one or more @throws RangeError if each lacks in a sample
 */
export function selectRegressors(
  samples: readonly AccuracySample[],
  allowed: readonly RegressorName[],
  kind: BaselineKind,
): RegressorName[] {
  const baselines = baselinesOf(samples, kind);
  const candidates = allowed.filter((name) =>
    samples.every(({ mix, summary }) => regressorValues([name], summary, baselines.get(mix)!) !== null),
  );
  if (candidates.length === 0) throw new RangeError('no measure is known of every sample');
  const chosen: RegressorName[] = [];
  let error = Infinity;
  while (chosen.length < MAX_REGRESSORS) {
    const [best] = candidates
      .filter((name) => !chosen.includes(name))
      .map((name) => ({ name, error: errorsOf(leaveOut(samples, [...chosen, name], kind)).meanAbsolute }))
      .sort((a, b) => a.error - b.error);
    if (best === undefined || best.error > error - MIN_GAIN) break;
    chosen.push(best.name);
    error = best.error;
  }
  return chosen;
}
