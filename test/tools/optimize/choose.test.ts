import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestByFloor,
  fastestFirst,
  holdsFloor,
  isFaster,
  SAFETY,
} from '../../../src/tools/optimize/choose.ts';
import { ranked } from './candidates.ts';

const any = fc.record({
  ratio: fc.double({ min: 0.2, max: 2, noNaN: true }),
  bytes: fc.integer({ min: 100, max: 1000 }),
  drop: fc.double({ min: -0.01, max: 0.1, noNaN: true }),
  agreement: fc.double({ min: 0.5, max: 0.999, noNaN: true }),
});
const list = fc
  .array(any, { maxLength: 15 })
  .map((rows) => [ranked('original', {}), ...rows.map((facts, i) => ranked(`c${i}`, facts))]);

describe('choosing', () => {
  it('never chooses a candidate that is slower than the original or loses more than the floor', () => {
    fc.assert(
      fc.property(list, fc.double({ min: 0, max: 0.05, noNaN: true }), (entries, floor) => {
        const order = fastestFirst(entries, floor);
        expect(order.length).toBeGreaterThan(0);
        for (const { candidate, estimate } of order) {
          expect(candidate.latency!.ratio).toBeLessThanOrEqual(1.02);
          expect(estimate.drop).toBeLessThanOrEqual(floor);
        }
      }),
    );
  });

  it('gains more with a larger floor', () => {
    fc.assert(
      fc.property(list, (entries) => {
        const best = bestByFloor(entries, [0.005, 0.01, 0.02]);
        expect(best).toHaveLength(3);
        for (let i = 1; i < best.length; i += 1) {
          expect(best[i]!.fastest.candidate.latency!.ratio).toBeLessThanOrEqual(
            best[i - 1]!.fastest.candidate.latency!.ratio,
          );
          expect(best[i]!.smallest.candidate.bytes).toBeLessThanOrEqual(
            best[i - 1]!.smallest.candidate.bytes,
          );
        }
      }),
    );
  });

  it('keeps a margin for uncertainty', () => {
    const entry = {
      ...ranked('a', { drop: 0.004, agreement: 0.9 }),
      estimate: { drop: 0.004, deviation: 0.004 },
    };
    expect(holdsFloor(entry, 0.004 + SAFETY * 0.004)).toBe(true);
    expect(holdsFloor(entry, 0.0055)).toBe(false);
  });

  it('accepts an equal graph with a floor of 0, and a failed candidate with none', () => {
    expect(holdsFloor(ranked('clean', {}), 0)).toBe(true);
    expect(holdsFloor(ranked('a', { drop: 0.0001, agreement: 0.99 }), 0)).toBe(false);
    expect(holdsFloor(ranked('b', { failure: 'no' }), 1)).toBe(false);
  });

  it('counts a candidate as faster only if it is in three rounds of four', () => {
    expect(isFaster(ranked('a', { ratio: 0.9, spread: 0.05 }))).toBe(true);
    expect(isFaster(ranked('b', { ratio: 0.9, spread: 0.15 }))).toBe(false);
    expect(isFaster(ranked('c', { ratio: 0.99, spread: 0 }))).toBe(false);
  });
});
