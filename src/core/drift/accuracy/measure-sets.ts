import { PENALTY, type MeasureSet } from './fit.ts';
import { foldsOf, type Fold } from './folds.ts';
import { LINKS, shareOfSum, type Link } from './link.ts';
import { OF_SCENES, type RegressorName } from './regressors.ts';
import { baselinesOf, regressorValues, type AccuracySample, type BaselineKind } from './samples.ts';

/** Measures in a set, at most. */
const MAX_MEASURES = 4;
/**
 * A set that errs by so much more than the best one, as a share of AP, counts e times less. From half of it to twice
 * and a half of it, estimates of unseen corruptions are alike.
 */
const TOLERANCE = 0.01;
/** Sets that count less than this beside the best are left out. */
const LEAST_WEIGHT = 0.01;

/**
 * Sets of measures for a fit, with exponential weights (Leung and Barron 2006): every set of up to four is tried on
 * corruptions and scene mixes that it was not fitted on. Many sets do almost equally well, and which of them is best
 * depends on the corruptions at hand; their mean does not. Adding one measure after another, which is quicker, ends in
 * sets that are far from the best. The link is linear unless the other one errs less by the tolerance. A measure that a
 * sample has no value of is not taken, so that all sets are compared over the same samples.
 * @returns one or more @throws RangeError if each measure lacks in a sample
 */
export function chooseSets(
  samples: readonly AccuracySample[],
  allowed: readonly RegressorName[],
  kind: BaselineKind,
): MeasureSet[] {
  const baselines = baselinesOf(samples, kind);
  const comparable = allowed.filter((name) => kind === 'own' || !OF_SCENES.has(name));
  const names = comparable.filter((name) =>
    samples.every(({ mix, summary }) => regressorValues([name], summary, baselines.get(mix)!) !== null),
  );
  if (names.length === 0) throw new RangeError('no measure is known of every sample');
  const sets = setsOf(names.length);
  const tried = LINKS.map((link) => {
    const errors = errorsOfSets(sets, foldsOf(samples, names, kind, { link }), link);
    return { link, errors, least: errors.reduce((least, error) => Math.min(least, error)) };
  });
  const { link, errors, least } = tried.reduce((one, other) =>
    other.least < one.least - TOLERANCE ? other : one,
  );
  return sets.flatMap((columns, i) => {
    const weight = Math.exp((least - errors[i]!) / TOLERANCE);
    return weight < LEAST_WEIGHT ? [] : [{ names: columns.map((column) => names[column]!), weight, link }];
  });
}

/** All sets of one to four columns. */
function setsOf(columns: number): number[][] {
  const sets: number[][] = [];
  let grown: number[][] = [[]];
  for (let size = 1; size <= MAX_MEASURES; size++) {
    grown = grown.flatMap((set) => {
      const from = (set.at(-1) ?? -1) + 1;
      return Array.from({ length: columns - from }, (_, i) => [...set, from + i]);
    });
    sets.push(...grown);
  }
  return sets;
}

/** The mean absolute error of each set over what was left out. */
function errorsOfSets(
  sets: readonly (readonly number[])[],
  folds: readonly Fold[],
  link: Link,
): Float64Array {
  const sums = new Float64Array(sets.length);
  const weights = new Float64Array(MAX_MEASURES);
  let rows = 0;
  for (const { known, left } of folds) {
    rows += left.length;
    for (let i = 0; i < sets.length; i++) {
      known.solve(sets[i]!, PENALTY, weights);
      for (const { sample, values } of left) {
        let sum = 0;
        for (let k = 0; k < sets[i]!.length; k++) sum += weights[k]! * values[sets[i]![k]!]!;
        sums[i]! += Math.abs(sample.share - shareOfSum(link, sum));
      }
    }
  }
  return sums.map((sum) => sum / Math.max(1, rows));
}
