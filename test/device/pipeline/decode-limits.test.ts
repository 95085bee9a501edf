import { describe, expect, it } from 'vitest';
import {
  changeLimits,
  toDecodeLimits,
  type LimitsPatch,
} from '../../../src/device/pipeline/decode-limits.ts';

const LABELS = ['person', 'car', 'bus'];
const LIMITS = { score: 0.3, iou: 0.5, maxDetections: 100, classes: null };

describe('changeLimits', () => {
  it('changes what the patch names', () => {
    expect(changeLimits(LIMITS, {}, LABELS)).toEqual(LIMITS);
    expect(changeLimits(LIMITS, { score: 0, iou: 1 }, LABELS)).toEqual({ ...LIMITS, score: 0, iou: 1 });
    const some = changeLimits(LIMITS, { classes: ['car'], maxDetections: 10_000 }, LABELS);
    expect(some).toEqual({ ...LIMITS, classes: ['car'], maxDetections: 10_000 });
    expect(changeLimits(some, { score: undefined }, LABELS)).toEqual(some);
    expect(changeLimits(some, { classes: null }, LABELS).classes).toBeNull();
  });

  it.each<[LimitsPatch, RegExp]>([
    [{ score: -0.01 }, /score/],
    [{ score: Number.NaN }, /score/],
    [{ iou: 1.01 }, /iou/],
    [{ maxDetections: 0 }, /maxDetections/],
    [{ maxDetections: 1.5 }, /maxDetections/],
    [{ maxDetections: 10_001 }, /maxDetections/],
    [{ classes: ['car', 'boat'] }, /boat.*person, car, bus/],
  ])('refuses %j and says which value is at fault', (patch, words) => {
    const change = (): unknown => changeLimits(LIMITS, patch, LABELS);
    expect(change).toThrow(expect.objectContaining({ code: 'GOSHAWK_PARAMETER_INVALID' }));
    expect(change).toThrow(words);
  });
});

describe('toDecodeLimits', () => {
  it('turns names into a mask over the labels', () => {
    expect(toDecodeLimits(LIMITS, LABELS)).toEqual({
      scoreThreshold: 0.3,
      iouThreshold: 0.5,
      maxDetections: 100,
      classFilter: null,
    });
    const classFilter = toDecodeLimits({ ...LIMITS, classes: ['bus', 'person'] }, LABELS).classFilter;
    expect(classFilter).toEqual(Uint8Array.of(1, 0, 1));
    expect(toDecodeLimits({ ...LIMITS, classes: [] }, LABELS).classFilter).toEqual(Uint8Array.of(0, 0, 0));
  });
});
