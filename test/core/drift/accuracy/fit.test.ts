import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  errorsOf,
  fitShare,
  leaveOut,
  selectRegressors,
  shareOf,
} from '../../../../src/core/drift/accuracy/fit.ts';
import { operatingPoint, ratesOf, tryUnseen } from '../../../../src/core/drift/accuracy/operating-point.ts';
import { rankCorrelation } from '../../../../src/core/drift/accuracy/rank-correlation.ts';
import { REGRESSORS } from '../../../../src/core/drift/accuracy/regressors.ts';
import { ridge } from '../../../../src/core/drift/accuracy/ridge.ts';
import { meanSummary } from '../../../../src/core/drift/accuracy/samples.ts';
import { madeSamples, summaryWith, trueShare } from './summaries.ts';

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

describe('ridge regression', () => {
  it.each(golden.ridges)('agrees with scikit-learn (penalty $penalty)', ({ x, y, penalty, weights }) => {
    ridge(x, y, penalty).forEach((weight, i) => {
      expect(Math.abs(weight - weights[i]!)).toBeLessThan(1e-9 * Math.max(1, Math.abs(weights[i]!)));
    });
  });

  it('gives a column of zeros no weight', () => {
    const weights = ridge([[1, 0], [2, 0], [3, 0]], [1, 2, 3], 1e-9); // prettier-ignore
    expect(weights[0]).toBeCloseTo(1, 6);
    expect(weights[1]).toBeCloseTo(0, 6);
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

describe('the fit of the share that is kept', () => {
  const samples = madeSamples();

  it('chooses what matters, and nothing that does not', () => {
    expect(selectRegressors(samples, REGRESSORS, 'own')).toEqual(['score', 'noise_gained']);
  });

  it('estimates what it was not fitted on', () => {
    const leftOut = leaveOut(samples, ['score', 'noise_gained'], 'own');
    expect(leftOut).toHaveLength(40);
    const errors = errorsOf(leftOut);
    expect(errors.meanAbsolute).toBeLessThan(0.05);
    expect(errors.rankCorrelation).toBeGreaterThan(0.9);
    expect(errors.low).toBeLessThanOrEqual(errors.high);
  });

  it('is 1 where frames are like the baseline', () => {
    const model = fitShare(samples, ['score', 'noise_gained'], 'own');
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

  it('is tried on corruptions that neither regressors nor operating point were chosen by', () => {
    const ofGrain = (all: typeof samples) =>
      tryUnseen(all, (known) => selectRegressors(known, REGRESSORS, 'own'), 'own').find(
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
    const model = fitShare(samples, ['score', 'noise_gained'], 'own');
    expect(shareOf(model, { ...summaryWith(0.5, 3), score: null }, summaryWith(0.6, 3))).toBeNull();
    expect(shareOf(model, { ...summaryWith(0.5, 3), features: {} }, summaryWith(0.6, 3))).toBeNull();
  });

  it('leaves out both the corruption and the scene mix that it is tried on', () => {
    const names = ['score', 'noise_gained'] as const;
    const isCell = (mix: string, corruption: string): boolean => mix === 'few' || corruption === 'grain';
    const before = leaveOut(samples, names, 'own').filter(
      ({ sample }) => sample.mix === 'few' && sample.corruption === 'grain',
    );
    // whatever is true in the same mix or of the same corruption, the estimates stay
    const spoiled = samples.map((sample) =>
      isCell(sample.mix, sample.corruption) && sample.corruption !== 'clean'
        ? { ...sample, share: 0 }
        : sample,
    );
    const after = leaveOut(spoiled, names, 'own').filter(
      ({ sample }) => sample.mix === 'few' && sample.corruption === 'grain',
    );
    expect(after.map(({ estimated }) => estimated)).toEqual(before.map(({ estimated }) => estimated));
  });

  it('leaves out the corruption alone where the scenes are known', () => {
    const names = ['score', 'noise_gained'] as const;
    const ofGrain = (all: typeof samples) =>
      leaveOut(all, names, 'own', ['grain'], 'corruption')
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
    const errors = (all: typeof samples) => errorsOf(leaveOut(all, names, 'own', undefined, 'corruption'));
    expect(errors(samples)).toMatchObject({ samples: 40 });
    expect(errors(samples).meanAbsolute).toBeLessThan(0.05);
    const point = (all: typeof samples) =>
      tryUnseen(all, () => names, 'own', 'corruption').find(({ corruption }) => corruption === 'grain')!
        .point;
    expect(point(spoil('grain'))).toBe(point(samples));
  });

  it('errs more against the baseline of other mixes', () => {
    const names = ['score', 'noise_gained'] as const;
    const own = errorsOf(leaveOut(samples, names, 'own')).meanAbsolute;
    expect(errorsOf(leaveOut(samples, names, 'others')).meanAbsolute).toBeGreaterThan(3 * own);
  });

  it('takes the mean of what is known', () => {
    const one = { ...summaryWith(0.5, 2), score: null };
    const mean = meanSummary([one, summaryWith(0.6, 4)]);
    expect(mean.score).toBe(0.6);
    expect(mean.features.noise).toBe(3);
  });
});
