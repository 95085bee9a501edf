import { describe, expect, it } from 'vitest';
import { LIMIT_PARAMETERS } from '../../../src/contract/limit-parameters.ts';
import {
  changeLimits,
  defaultLimits,
  limitsAmong,
  limitsOfBundle,
  type LimitsPatch,
} from '../../../src/device/pipeline/limit-table.ts';
import { DETECTOR_PARAMETERS } from '../../../src/ros/detector/parameters.ts';

const LABELS = ['person', 'car', 'bus'];
const THRESHOLDS = { score: 0.3, iou: 0.5, maxDetections: 50 };
const LIMITS = defaultLimits(THRESHOLDS);

describe('changeLimits', () => {
  it('changes what the patch names', () => {
    expect(changeLimits(LIMITS, {}, LABELS)).toEqual(LIMITS);
    const ratios = { score_threshold: 0, iou_threshold: 1 };
    expect(changeLimits(LIMITS, ratios, LABELS)).toEqual({ ...LIMITS, ...ratios });
    const patch = { class_filter: ['car'], max_detections: 10_000 };
    const some = changeLimits(LIMITS, patch, LABELS);
    expect(some).toEqual({ ...LIMITS, ...patch });
    expect(changeLimits(some, { score_threshold: undefined }, LABELS)).toEqual(some);
    expect(changeLimits(some, { class_filter: [] }, LABELS).class_filter).toEqual([]);
  });

  it.each<[LimitsPatch, RegExp]>([
    [{ score_threshold: -0.01 }, /score_threshold/],
    [{ score_threshold: Number.NaN }, /score_threshold/],
    [{ iou_threshold: 1.01 }, /iou_threshold/],
    [{ max_detections: 0 }, /max_detections/],
    [{ max_detections: 1.5 }, /max_detections/],
    [{ max_detections: 10_001 }, /max_detections/],
    [{ class_filter: ['car', 'boat'] }, /boat.*person, car, bus/],
  ])('refuses %j and says which value is at fault', (patch, words) => {
    const change = (): unknown => changeLimits(LIMITS, patch, LABELS);
    expect(change).toThrow(expect.objectContaining({ code: 'GOSHAWK_PARAMETER_INVALID' }));
    expect(change).toThrow(words);
  });
});

describe('the table of limits', () => {
  it('takes from the bundle what it sets, and the defaults of the rows otherwise', () => {
    const ofBundle = { score_threshold: 0.3, iou_threshold: 0.5, max_detections: 50 };
    expect(limitsOfBundle(THRESHOLDS)).toEqual(ofBundle);
    expect(LIMITS).toMatchObject({ ...ofBundle, class_filter: [] });
  });

  it('has only parameters of the detector, and finds them among all', () => {
    const values = Object.entries(DETECTOR_PARAMETERS).map(([name, spec]) => [name, spec.default]);
    const defaults = Object.entries(LIMIT_PARAMETERS).map(([name, spec]) => [name, spec.default]);
    const all = Object.fromEntries(values) as Parameters<typeof limitsAmong>[0];
    expect(limitsAmong(all)).toEqual(Object.fromEntries(defaults));
  });
});
