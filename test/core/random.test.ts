import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, mixSeeds } from '../../src/core/random.ts';

const GOLDEN: readonly (readonly [number, number[]])[] = [
  [0, [0.06562318257056177, 0.3438719280529767, 0.10800087288953364]],
  [42, [0.12755194609053433, 0.16283133998513222, 0.26566267176531255]],
  [1099511627783, [0.14163723005913198, 0.18949777958914638, 0.9816416944377124]],
];

describe('createRandom', () => {
  it('returns the same sequence for the same seed and stays within its bounds', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: -50, max: 50 }), fc.nat(100), (seed, low, span) => {
        const one = createRandom(seed);
        const other = createRandom(seed);
        for (let i = 0; i < 20; i += 1) {
          const n = one.int(low, low + span);
          expect(n).toBe(other.int(low, low + span));
          expect(Number.isInteger(n) && n >= low && n <= low + span).toBe(true);
        }
      }),
    );
  });

  it('distinguishes seeds that differ only above 32 bits', () => {
    expect(createRandom(5).next()).not.toBe(createRandom(5 + 2 ** 32).next());
  });

  it.each(GOLDEN)(
    'returns the sequence of another implementation (random-golden.py) for seed %d',
    (seed, expected) => {
      const random = createRandom(seed);
      expect([random.next(), random.next(), random.next()]).toEqual(expected);
    },
  );

  it('is uniform, and bell-shaped around zero', () => {
    const random = createRandom(7);
    const bins = new Array<number>(10).fill(0);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < 20_000; i += 1) {
      const bin = Math.floor(random.next() * 10);
      bins[bin] = (bins[bin] ?? 0) + 1;
      const b = random.bell();
      sum += b;
      squares += b * b;
    }
    // five standard deviations of a binomial count
    for (const count of bins) expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(20_000 * 0.1 * 0.9));
    expect(Math.abs(sum / 20_000)).toBeLessThan(0.05);
    expect(squares / 20_000).toBeCloseTo(1, 1);
  });
});

describe('mixSeeds', () => {
  it('never maps two 32-bit second numbers to the same seed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(0xffffffff), fc.nat(0xffffffff), (first, a, b) => {
        fc.pre(a !== b);
        expect(mixSeeds(first, a)).not.toBe(mixSeeds(first, b));
      }),
    );
  });
});
