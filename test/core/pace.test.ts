import { expect, it } from 'vitest';
import { Pace } from '../../src/core/pace.ts';

it('lets the first of each kind pass, and one in a period, with the count of those between', () => {
  const pace = new Pace(100);
  const times = [0, 50, 99, 100, 199, 300];
  expect(times.map((ms) => pace.admit('one', ms))).toEqual([0, null, null, 2, null, 1]);
  expect(pace.admit('other', 300)).toBe(0);
});
