import { sumOfShare, type Link } from './link.ts';
import type { RegressorName } from './regressors.ts';
import { Regression } from './ridge.ts';
import {
  baselinesOf,
  CLEAN,
  corruptionsOf,
  regressorValues,
  type AccuracySample,
  type BaselineKind,
} from './samples.ts';

/** A sample with the values of regressors. */
interface Row {
  readonly sample: AccuracySample;
  readonly values: readonly number[];
}

/** What a model has not seen of the sample that it is tried on: its corruption alone, or its scene mix as well. */
export type Unseen = 'corruption' | 'corruption and scene mix';

/** Samples of one corruption and scene mix, and what a model is fitted on that has not seen them. */
export interface Fold {
  readonly known: Regression;
  readonly left: readonly Row[];
}

/**
 * A fold for each scene mix and corruption. With one mix only, models have seen it, but not the corruption.
 * @param tried corruptions that there are folds of, all by default
 * @throws RangeError if nothing that has all regressors is known
 */
export function foldsOf(
  samples: readonly AccuracySample[],
  names: readonly RegressorName[],
  kind: BaselineKind,
  {
    tried = corruptionsOf(samples),
    unseen = 'corruption and scene mix',
    link = 'linear',
  }: {
    readonly tried?: readonly string[] | undefined;
    readonly unseen?: Unseen;
    readonly link?: Link;
  } = {},
): Fold[] {
  const baselines = baselinesOf(samples, kind);
  return [...baselines].flatMap(([mix, baseline]) => {
    const keepsMix = unseen === 'corruption' || baselines.size === 1;
    const others = samples.filter((sample) => keepsMix || sample.mix !== mix);
    const rows = rowsOf(others, names, kind);
    const sums = [...new Set(rows.map(({ sample }) => sample.corruption))].map((corruption) => ({
      corruption,
      sum: regressionOf(rows.filter(({ sample }) => sample.corruption === corruption), names, link), // prettier-ignore
    }));
    return tried.map((corruption) => {
      const left = samples.filter((sample) => sample.mix === mix && sample.corruption === corruption);
      const seen = sums.filter((one) => one.corruption !== corruption);
      if (seen.length === 0) throw new RangeError('no sample has all regressors');
      const all = new Regression(names.length);
      for (const { sum } of seen) all.addAll(sum);
      return { known: all, left: left.flatMap((sample) => rowOf(sample, names, baseline)) };
    });
  });
}

/**
 * What all samples say together. Clean frames count as well if they are compared with other scenes: nothing is lost
 * there.
 * @throws RangeError without a sample that has all regressors
 */
export function regressionOn(
  samples: readonly AccuracySample[],
  names: readonly RegressorName[],
  kind: BaselineKind,
  link: Link,
): Regression {
  const rows = rowsOf(samples, names, kind);
  if (rows.length === 0) throw new RangeError('no sample has all regressors');
  return regressionOf(rows, names, link);
}

/** Samples without one of the values are left out. */
function rowsOf(
  samples: readonly AccuracySample[],
  names: readonly RegressorName[],
  kind: BaselineKind,
): Row[] {
  const baselines = baselinesOf(samples, kind);
  return samples.flatMap((sample) => {
    if (kind === 'own' && sample.corruption === CLEAN) return [];
    const baseline = baselines.get(sample.mix);
    return baseline === undefined ? [] : rowOf(sample, names, baseline);
  });
}

function rowOf(
  sample: AccuracySample,
  names: readonly RegressorName[],
  baseline: AccuracySample['summary'],
): Row[] {
  const values = regressorValues(names, sample.summary, baseline);
  return values === null ? [] : [{ sample, values }];
}

function regressionOf(rows: readonly Row[], names: readonly RegressorName[], link: Link): Regression {
  const regression = new Regression(names.length);
  for (const { sample, values } of rows) regression.add(values, sumOfShare(link, sample.share));
  return regression;
}
