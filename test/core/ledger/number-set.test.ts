import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberSet, type NumberRange } from '../../../src/core/ledger/number-set.ts';

const LIMIT = 40;

const range: fc.Arbitrary<NumberRange> = fc
  .tuple(fc.integer({ min: 0, max: LIMIT }), fc.integer({ min: 0, max: 9 }))
  .map(([first, length]) => [first, first + length - 1] as const);

const steps = fc.array(fc.record({ adds: fc.boolean(), range }), { maxLength: 30 });

describe('a set of numbers', () => {
  it('holds what a plain set holds, whatever is added and removed', () => {
    fc.assert(
      fc.property(steps, range, (list, [first, last]) => {
        const set = new NumberSet();
        const plain = new Set<number>();
        for (const step of list) {
          const [low, high] = step.range;
          if (step.adds) set.add(low, high);
          else set.remove(low, high);
          for (let n = low; n <= high; n += 1)
            if (step.adds) plain.add(n);
            else plain.delete(n);
        }
        for (let n = 0; n <= LIMIT + 10; n += 1) expect(set.has(n)).toBe(plain.has(n));
        expect(set.size).toBe(plain.size);
        const holes = set.missing(first, last);
        for (let n = 0; n <= LIMIT + 10; n += 1)
          expect(holes.has(n)).toBe(n >= first && n <= last && !plain.has(n));
      }),
    );
  });

  it('keeps its ranges ascending and apart', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const set = new NumberSet();
        for (const step of list)
          if (step.adds) set.add(...step.range);
          else set.remove(...step.range);
        let end = -2;
        for (const [first, last] of set.ranges()) {
          expect(first).toBeGreaterThan(end + 1);
          expect(last).toBeGreaterThanOrEqual(first);
          end = last;
        }
      }),
    );
  });

  it('does not depend on the order of additions', () => {
    fc.assert(
      fc.property(fc.array(range), (ranges) => {
        expect(NumberSet.of(ranges).ranges()).toEqual(NumberSet.of([...ranges].reverse()).ranges());
      }),
    );
  });
});
