import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosine, decay, sine, wrap } from '../../../src/sim/drawing/exact-math.ts';

describe('exact math', () => {
  it('approximates sine and cosine', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e4, max: 1e4, noNaN: true }), (angle) => {
        expect(Math.abs(sine(angle) - Math.sin(angle))).toBeLessThan(1e-6);
        expect(Math.abs(cosine(angle) - Math.cos(angle))).toBeLessThan(1e-6);
      }),
    );
  });

  it('decays from one towards zero', () => {
    expect(decay(0)).toBe(1);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 20, noNaN: true }), (x) => {
        expect(decay(x + 0.1)).toBeLessThan(decay(x));
        expect(decay(x)).toBeGreaterThan(0);
      }),
    );
  });

  it('wraps into the period', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e5, max: 1e5, noNaN: true }),
        fc.double({ min: 0.5, max: 100, noNaN: true }),
        (x, period) => {
          const wrapped = wrap(x, period);
          expect(wrapped).toBeGreaterThanOrEqual(-1e-9);
          expect(wrapped).toBeLessThanOrEqual(period + 1e-9);
        },
      ),
    );
  });
});
