import { describe, expect, it } from 'vitest';
import type { ObservedName } from '../../../src/core/drift/observe/observed.ts';
import { SPACE } from '../../../src/core/drift/space/scale.ts';
import { causeOf } from '../../../src/core/drift/verdict/causes.ts';

const named = (sigmas: Partial<Record<ObservedName, number>>): string =>
  causeOf(
    {},
    Float64Array.from(SPACE, (name) => sigmas[name] ?? 0),
    undefined,
  ).cause;

/**
 * Mean deviations of COCO pictures (coco-mini, 5 of val) from 80 others (calibration), with noise and defocus as
 * `src/core/corruption` makes them.
 */
const NOISY = { rough_10: 3.4, rough_25: 2.9, rough_75: 1.5, streaks: 1.4, relief_10: 0.7, candidates: 1.3 };
const DEFOCUSED = { rough_10: -2, rough_25: -2.5, rough_75: -3.4, streaks: -1.6, relief_10: 0.5 };

describe('the cause', () => {
  it('is noise if smooth places become rougher, also where scenes differ so much that it is small', () => {
    expect(named(NOISY)).toBe('noise');
  });

  it('is blur if edges become smoother', () => {
    expect(named({ ...DEFOCUSED, candidates: -1 })).toBe('blur');
  });

  it('is not noise if more changed than noise changes, or edges alone are rougher', () => {
    expect(named({ ...NOISY, slope_x: 5, brightness: 4 })).not.toBe('noise');
    expect(named({ ...NOISY, rough_10: 0.2 })).not.toBe('noise');
  });
});
