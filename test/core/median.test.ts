import { expect, it } from 'vitest';
import { median } from '../../src/core/median.ts';

it('the median of an even number is the mean of the two middle values', () => {
  expect(median([1.53, 1.34])).toBeCloseTo(1.435);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([])).toBe(0);
});
