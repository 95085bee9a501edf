import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  errorsOf,
  fitShare,
  leaveOut,
  shareOf,
  type MeasureSet,
} from '../../../../src/core/drift/accuracy/fit.ts';
import { chooseSets } from '../../../../src/core/drift/accuracy/measure-sets.ts';
import { operatingPoint, ratesOf, tryUnseen } from '../../../../src/core/drift/accuracy/operating-point.ts';
import { rankCorrelation } from '../../../../src/core/drift/accuracy/rank-correlation.ts';
import { REGRESSORS } from '../../../../src/core/drift/accuracy/regressors.ts';
import { Regression } from '../../../../src/core/drift/accuracy/ridge.ts';
import { meanSummary } from '../../../../src/core/drift/accuracy/samples.ts';
import { madeSamples, summaryWith, togetherSamples, trueShare } from './summaries.ts';

interface Golden {
  readonly ridges: readonly {
    readonly x: number[][];
    readonly y: number[];
    readonly penalty: number;
    readonly weights: number[];
  }[];
  readonly correlations: readonly {
    readonly one: number[];
    readonly other: number[];
    readonly rho: number;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/accuracy.json', import.meta.url), 'utf8'),
) as Golden;

function regressionOf(rows: readonly (readonly number[])[], targets: readonly number[]): Regression {
  const regression = new Regression(rows[0]!.length);
  rows.forEach((row, i) => {
    regression.add(row, targets[i]!);
  });
  return regression;
}

function weightsOf(regression: Regression, columns: readonly number[], penalty: number): number[] {
  const weights = new Float64Array(columns.length);
  regression.solve(columns, penalty, weights);
  return [...weights];
}

function expectWeights(found: readonly number[], weights: readonly number[]): void {
  expect(found).toHaveLength(weights.length);
  found.forEach((weight, i) => {
    expect(Math.abs(weight - weights[i]!)).toBeLessThan(1e-9 * Math.max(1, Math.abs(weights[i]!)));
  });
}

describe('ridge regression', () => {
  const golds = golden.ridges;
  it.each(golds)('agrees with scikit-learn (penalty $penalty)', ({ x, y, penalty, weights }) => {
    expectWeights(weightsOf(regressionOf(x, y), [...x[0]!.keys()], penalty), weights);
  });

  it.each(golds)('is of some columns as if there were no others, in any order', ({ x, y, penalty }) => {
    const columns = [...x[0]!.keys()].slice(-2).reverse();
    const alone = regressionOf(
      x.map((row) => columns.map((column) => row[column]!)),
      y,
    );
    const all = regressionOf(x, y);
    weightsOf(all, [...x[0]!.keys()], 1);
    expectWeights(weightsOf(all, columns, penalty), weightsOf(alone, [...columns.keys()], penalty));
  });

  it.each(golds)('adds up', ({ x, y, penalty, weights }) => {
    const [one, other] = [regressionOf(x.slice(0, 2), y.slice(0, 2)), regressionOf(x.slice(2), y.slice(2))];
    one.addAll(other);
    expectWeights(weightsOf(one, [...x[0]!.keys()], penalty), weights);
  });

  it('gives a column of zeros no weight', () => {
    const weights = weightsOf(regressionOf([[1, 0], [2, 0], [3, 0]], [1, 2, 3]), [0, 1], 1e-9); // prettier-ignore
    expect(weights[0]).toBeCloseTo(1, 6);
    expect(weights[1]).toBe(0);
  });
});

describe('rank correlation', () => {
  it.each(golden.correlations)('agrees with SciPy ($rho)', ({ one, other, rho }) => {
    expect(rankCorrelation(one, other)).toBeCloseTo(rho, 12);
  });

  it('is not a number if one side is constant', () => {
    expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeNaN();
  });
});

const setOf = (...names: MeasureSet['names']): readonly MeasureSet[] => [{ names, weight: 1 }];

describe('the fit of the share that is kept', () => {
  const samples = madeSamples();
  const both = setOf('score', 'noise_gained');

  it('chooses what matters, and nothing without it', () => {
    const sets = chooseSets(samples, REGRESSORS, 'own');
    expect(sets).toContainEqual({
      names: ['score', 'noise_gained'],
      weight: expect.closeTo(1, 1) as unknown,
      link: 'linear',
    });
    for (const { names, weight } of sets) {
      expect(names).toContain('score');
      if (!names.includes('noise_gained')) expect(weight).toBeLessThan(0.5);
    }
    const { regressors } = fitShare(samples, sets, 'own');
    const weights = new Map(regressors.map(({ name, weight }) => [name, weight]));
    const [alone] = fitShare(samples, both, 'own').regressors;
    expect(Math.abs(weights.get('score')! / alone!.weight - 1)).toBeLessThan(0.1);
    expect(Math.abs(weights.get('reliability') ?? 0)).toBeLessThan(0.02);
  });

  it('finds measures that say something only together, which adding one after another does not', () => {
    // contrast alone says most, brightness and sharpness together say everything
    const hidden = togetherSamples();
    const sets = chooseSets(hidden, ['contrast_lost', 'brightness_lost', 'sharpness_lost'], 'own');
    const errors = errorsOf(leaveOut(hidden, sets, 'own'));
    const first = errorsOf(leaveOut(hidden, setOf('contrast_lost'), 'own'));
    for (const name of ['brightness_lost', 'sharpness_lost'] as const) {
      const worse = errorsOf(leaveOut(hidden, setOf(name), 'own')).meanAbsolute;
      expect(worse).toBeGreaterThan(first.meanAbsolute);
    }
    expect(errors.meanAbsolute).toBeLessThan(0.65 * first.meanAbsolute);
  });

  it('is the mean of models of several sets, as much as each counts', () => {
    const sets = [
      { names: ['score'], weight: 3 },
      { names: ['noise_gained', 'score'], weight: 1 },
    ] as const;
    const [one, other] = sets.map((set) => fitShare(samples, [set], 'own'));
    const mean = fitShare(samples, sets, 'own');
    expect(mean.regressors.map(({ name }) => name)).toEqual(['score', 'noise_gained']);
    const weightOf = ({ regressors }: typeof mean, wanted: string): number =>
      regressors.find(({ name }) => name === wanted)?.weight ?? 0;
    for (const name of ['score', 'noise_gained'])
      expect(weightOf(mean, name)).toBeCloseTo(
        0.75 * weightOf(one!, name) + 0.25 * weightOf(other!, name),
        12,
      );
  });

  it('takes the link that fits: losses that add up, or that each leave a part of the rest', () => {
    const compounding = samples.map((one) => {
      const { score, features } = one.summary;
      const offset = one.mix === 'few' ? 0 : 0.1;
      const share = Math.exp(-4 * (0.7 - offset - score!) - 0.1 * Math.log(features.noise! / 2));
      return { ...one, share: one.corruption === 'clean' ? 1 : share };
    });
    const allowed = ['score', 'noise_gained', 'reliability'] as const;
    const sets = chooseSets(compounding, allowed, 'own');
    expect(new Set(sets.map(({ link }) => link))).toEqual(new Set(['exponential']));
    const model = fitShare(compounding, sets, 'own');
    expect(model.link).toBe('exponential');
    const errors = errorsOf(leaveOut(compounding, sets, 'own'));
    const linear = errorsOf(leaveOut(compounding, both, 'own'));
    expect(errors.meanAbsolute).toBeLessThan(0.03);
    expect(errors.meanAbsolute).toBeLessThan(0.5 * linear.meanAbsolute);
    const clean = summaryWith(0.6, 3);
    expect(shareOf(model, clean, clean)).toBe(1);
    expect(shareOf(model, summaryWith(0.9, 3), clean)).toBe(1);
    const left = Math.exp(-4 * 0.4 - 0.1 * Math.log(200 / 3));
    expect(Math.abs(shareOf(model, summaryWith(0.2, 200), clean)! - left)).toBeLessThan(0.03);
    // a fit of earlier versions names no link
    expect(fitShare(samples, chooseSets(samples, allowed, 'own'), 'own')).not.toHaveProperty('link');
  });

  it('compares sizes of boxes with those of the same scenes only', () => {
    const sized = samples.map((one) => {
      const features = { ...one.summary.features, box_size: 0.2 * (2 - one.share) };
      return { ...one, summary: { ...one.summary, features } };
    });
    const allowed = ['size_gained', 'size_lost', 'contrast_lost'] as const;
    const [best] = chooseSets(sized, allowed, 'own').sort((a, b) => b.weight - a.weight);
    expect(best?.names).toContain('size_gained');
    expect(chooseSets(sized, allowed, 'others').flatMap(({ names }) => names)).not.toContain('size_gained');
  });

  it('needs a measure that every sample has', () => {
    const allowed = ['track_sag', 'saturation_lost'] as const;
    expect(() => chooseSets(samples, allowed, 'own')).toThrow(RangeError);
    expect(() => fitShare(samples, setOf('track_sag'), 'own')).toThrow(RangeError);
    expect(() => leaveOut(samples, setOf('track_sag'), 'own')).toThrow(RangeError);
  });

  it('estimates what it was not fitted on', () => {
    const leftOut = leaveOut(samples, both, 'own');
    expect(leftOut).toHaveLength(40);
    const errors = errorsOf(leftOut);
    expect(errors.meanAbsolute).toBeLessThan(0.05);
    expect(errors.rankCorrelation).toBeGreaterThan(0.9);
    expect(errors.low).toBeLessThanOrEqual(errors.high);
  });

  it('is 1 where frames are like the baseline', () => {
    const model = fitShare(samples, both, 'own');
    const clean = summaryWith(0.55, 3);
    expect(shareOf(model, clean, clean)).toBe(1);
    const share = shareOf(model, summaryWith(0.4, 3), clean);
    expect(Math.abs(share! - trueShare(0.55, 2))).toBeLessThan(0.05);
    expect(shareOf(model, summaryWith(0.9, 3), clean)).toBe(1);
    expect(shareOf(model, summaryWith(0, 300), clean)).toBe(0);
  });

  it('says "worse" below the estimate at which precision and recall are best', () => {
    const leftOutOf = (pairs: readonly (readonly [number, number])[]) =>
      pairs.map(([share, estimated]) => ({ sample: { ...samples[0]!, share }, estimated }));
    // estimates are a tenth too high: 0.8 would find one of three
    const high = leftOutOf([[0.95, 1], [0.85, 0.95], [0.75, 0.85], [0.72, 0.82], [0.6, 0.7]]); // prettier-ignore
    const point = operatingPoint(high);
    expect(point).toBeCloseTo(0.9, 9);
    expect(ratesOf(high, ({ estimated }) => estimated < point)).toEqual({ said: 3, precision: 1, recall: 1 });
    expect(ratesOf(high, ({ estimated }) => estimated < 0.8)).toMatchObject({ recall: 1 / 3 });
    expect(operatingPoint(leftOutOf([[0.9, 0.7]]))).toBe(0.8);
  });

  it('is tried on corruptions that neither measures nor operating point were chosen by', () => {
    const ofGrain = (all: typeof samples) =>
      tryUnseen(all, (known) => chooseSets(known, REGRESSORS, 'own'), 'own').find(
        ({ corruption }) => corruption === 'grain',
      )!;
    const before = ofGrain(samples);
    expect(before.leftOut).toHaveLength(10);
    const spoiled = samples.map((one) => (one.corruption === 'grain' ? { ...one, share: 0 } : one));
    const after = ofGrain(spoiled);
    expect(after.point).toBe(before.point);
    expect(after.leftOut.map(({ estimated }) => estimated)).toEqual(
      before.leftOut.map(({ estimated }) => estimated),
    );
    const others = samples.map((one) => (one.corruption === 'haze' ? { ...one, share: 0 } : one));
    expect(ofGrain(others).point).not.toBe(before.point);
  });

  it('is nothing without one of its measures', () => {
    const model = fitShare(samples, both, 'own');
    expect(shareOf(model, { ...summaryWith(0.5, 3), score: null }, summaryWith(0.6, 3))).toBeNull();
    expect(shareOf(model, { ...summaryWith(0.5, 3), features: {} }, summaryWith(0.6, 3))).toBeNull();
  });

  it('leaves out both the corruption and the scene mix that it is tried on', () => {
    const isCell = (mix: string, corruption: string): boolean => mix === 'few' || corruption === 'grain';
    const before = leaveOut(samples, both, 'own').filter(
      ({ sample }) => sample.mix === 'few' && sample.corruption === 'grain',
    );
    // whatever is true in the same mix or of the same corruption, the estimates stay
    const spoiled = samples.map((sample) =>
      isCell(sample.mix, sample.corruption) && sample.corruption !== 'clean'
        ? { ...sample, share: 0 }
        : sample,
    );
    const after = leaveOut(spoiled, both, 'own').filter(
      ({ sample }) => sample.mix === 'few' && sample.corruption === 'grain',
    );
    expect(after.map(({ estimated }) => estimated)).toEqual(before.map(({ estimated }) => estimated));
  });

  it('leaves out the corruption alone where the scenes are known', () => {
    const ofGrain = (all: typeof samples) =>
      leaveOut(all, both, 'own', ['grain'], 'corruption')
        .filter(({ sample }) => sample.mix === 'few')
        .map(({ estimated }) => estimated);
    const spoil = (corruption: string) =>
      samples.map((one) =>
        one.corruption === corruption && (one.mix === 'few' || corruption === 'grain')
          ? { ...one, share: 0 }
          : one,
      );
    expect(ofGrain(spoil('grain'))).toEqual(ofGrain(samples));
    expect(ofGrain(spoil('haze'))).not.toEqual(ofGrain(samples));
    const errors = (all: typeof samples) => errorsOf(leaveOut(all, both, 'own', undefined, 'corruption'));
    expect(errors(samples)).toMatchObject({ samples: 40 });
    expect(errors(samples).meanAbsolute).toBeLessThan(0.05);
    const point = (all: typeof samples) =>
      tryUnseen(all, () => both, 'own', 'corruption').find(({ corruption }) => corruption === 'grain')!.point;
    expect(point(spoil('grain'))).toBe(point(samples));
  });

  it('errs more against the baseline of other mixes', () => {
    const own = errorsOf(leaveOut(samples, both, 'own')).meanAbsolute;
    expect(errorsOf(leaveOut(samples, both, 'others')).meanAbsolute).toBeGreaterThan(3 * own);
  });

  it('takes the mean of what is known', () => {
    const one = { ...summaryWith(0.5, 2), score: null };
    const mean = meanSummary([one, summaryWith(0.6, 4)]);
    expect(mean.score).toBe(0.6);
    expect(mean.features.noise).toBe(3);
  });
});
