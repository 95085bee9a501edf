import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pairScale } from '../../src/core/pair-scale.ts';
import { createRandom } from '../../src/core/random.ts';

const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { maxLength: 30 });

it.each([2, 3, 5, 8, 14, 21])('is the standard deviation of %i normal values, on average', (count) => {
  const random = createRandom(count);
  const rounds = 4_000;
  let sum = 0;
  for (let round = 0; round < rounds; round += 1)
    sum += pairScale(Array.from({ length: count }, () => 7 + 3 * random.bell())) / rounds;
  expect(sum).toBeGreaterThan(0.95 * 3);
  expect(sum).toBeLessThan(1.05 * 3);
});

it('grows with the values, wherever they are, in whatever order', () => {
  fc.assert(
    fc.property(values, (some) => {
      const scale = pairScale(some);
      expect(pairScale(some.map((value) => 5 - 2 * value))).toBeCloseTo(2 * scale, 8);
      expect(pairScale(some.toReversed())).toBe(scale);
    }),
  );
  expect([pairScale([]), pairScale([4]), pairScale([4, 4, 4])]).toEqual([0, 0, 0]);
});

it('is not carried away by outliers that are fewer than half', () => {
  const usual = [1, 2, 3, 4, 5, 6];
  expect(pairScale([...usual, 1e9, -1e9, 5e8, 2e9, 7e9])).toBeLessThan(12);
});
