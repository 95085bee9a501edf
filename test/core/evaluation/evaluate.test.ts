import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EvaluationSet, TruthBox } from '../../../src/core/evaluation/boxes.ts';
import { evaluateDetections } from '../../../src/core/evaluation/evaluate.ts';
import { categoryIds, evaluationSet, goldenSets } from './golden-set.ts';

/** pycocotools reports -1 if nothing counts. */
const orNull = (value: number): number | null => (value === -1 ? null : value);

function expectClose(actual: number | null, expected: number | null): void {
  if (actual === null || expected === null) expect(actual).toBe(expected);
  else expect(Math.abs(actual - expected)).toBeLessThan(1e-9);
}

describe.each(goldenSets)('evaluation agrees with pycocotools: $name', (golden) => {
  const { stats, classes } = evaluateDetections(evaluationSet(golden));

  it('in all twelve metrics', () => {
    const order = [
      'ap',
      'ap50',
      'ap75',
      'apSmall',
      'apMedium',
      'apLarge',
      'ar1',
      'ar10',
      'ar100',
      'arSmall',
    ] as const;
    const all = [...order, 'arMedium', 'arLarge'] as const;
    all.forEach((name, i) => expectClose(stats[name], orNull(golden.expected.stats[i]!)));
  });

  it('in each class and at each recall level', () => {
    categoryIds(golden).forEach((id, index) => {
      const expected = golden.expected.byClass[id]!;
      const actual = classes[index]!;
      expectClose(actual.ap, expected.ap);
      expectClose(actual.ap50, expected.ap50);
      expect(actual.precision50 === null).toBe(expected.precision50 === null);
      expected.precision50?.forEach((value, level) => expectClose(actual.precision50![level]!, value));
    });
  });
});

describe('evaluateDetections', () => {
  const truth = fc.record({
    image: fc.integer({ min: 0, max: 3 }),
    classIndex: fc.integer({ min: 0, max: 1 }),
    x: fc.integer({ min: 0, max: 200 }),
    y: fc.integer({ min: 0, max: 200 }),
    width: fc.integer({ min: 1, max: 150 }),
    height: fc.integer({ min: 1, max: 150 }),
  });
  const asTruth = (box: Omit<TruthBox, 'area' | 'crowd'>): TruthBox => ({
    ...box,
    area: box.width * box.height,
    crowd: false,
  });
  const boxKey = ({ image, classIndex, x, y, width, height }: Omit<TruthBox, 'area' | 'crowd'>): string =>
    [image, classIndex, x, y, width, height].join();
  const objects = fc.uniqueArray(truth, { minLength: 1, maxLength: 20, selector: boxKey });

  it('is 1 if every object is found exactly', () => {
    fc.assert(
      fc.property(objects, (list) => {
        const set: EvaluationSet = {
          images: 4,
          classes: 2,
          truths: list.map(asTruth),
          detections: list.map((box) => ({ ...box, score: 0.5 })),
        };
        const { ap, ap50, ar100 } = evaluateDetections(set).stats;
        expectClose(ap, 1);
        expectClose(ap50, 1);
        expectClose(ar100, 1);
      }),
    );
  });

  it('never gains from a false detection with the highest score', () => {
    fc.assert(
      fc.property(objects, (list) => {
        const set = (extra: boolean): EvaluationSet => ({
          images: 4,
          classes: 2,
          truths: list.map(asTruth),
          detections: [
            ...list.map((box) => ({ ...box, score: 0.5 })),
            ...(extra ? [{ ...list[0]!, x: 1000, score: 0.9 }] : []),
          ],
        });
        expect(evaluateDetections(set(true)).stats.ap!).toBeLessThan(
          evaluateDetections(set(false)).stats.ap!,
        );
      }),
    );
  });

  it('refuses an image or class outside the set', () => {
    const box = { image: 0, classIndex: 0, x: 0, y: 0, width: 1, height: 1, score: 1 };
    const set = (detection: typeof box): EvaluationSet => ({
      ...{ images: 1, classes: 1, truths: [] },
      detections: [detection],
    });
    expect(() => evaluateDetections(set({ ...box, image: 1 }))).toThrow(RangeError);
    expect(() => evaluateDetections(set({ ...box, classIndex: 1 }))).toThrow(RangeError);
  });
});
