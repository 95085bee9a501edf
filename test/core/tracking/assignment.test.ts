import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assignment } from '../../../src/core/tracking/assignment.ts';

interface Case {
  kind: string;
  rows: number;
  columns: number;
  cost: number[];
  total: number;
  columnOf: number[] | null;
}

// made by golden/make.py with scipy.optimize.linear_sum_assignment
const golden = JSON.parse(readFileSync(new URL('golden/assignment.json', import.meta.url), 'utf8')) as Case[];

function solve(solver: Assignment, cost: readonly number[], rows: number, columns: number): number[] {
  const columnOf = new Int32Array(rows);
  solver.solve(Float64Array.from(cost), rows, columns, columnOf);
  return [...columnOf];
}

function totalOf(columnOf: readonly number[], cost: readonly number[], columns: number): number {
  return columnOf.reduce((sum, column, row) => (column < 0 ? sum : sum + cost[row * columns + column]!), 0);
}

describe('Assignment', () => {
  const solver = new Assignment();

  it.each(golden)(
    'agrees with SciPy: $rows x $columns, $kind',
    ({ cost, rows, columns, total, columnOf }) => {
      const found = solve(solver, cost, rows, columns);
      const used = found.filter((column) => column >= 0);
      expect(used.length).toBe(Math.min(rows, columns));
      expect(new Set(used).size).toBe(used.length);
      expect(totalOf(found, cost, columns)).toBeCloseTo(total, 9);
      if (columnOf !== null) expect(found).toEqual(columnOf);
    },
  );

  it('finds the same optimum as trying every assignment', () => {
    const least = (cost: readonly number[], size: number, row = 0, used = 0): number => {
      if (row === size) return 0;
      let best = Infinity;
      for (let c = 0; c < size; c++) {
        if ((used & (1 << c)) === 0) {
          best = Math.min(best, cost[row * size + c]! + least(cost, size, row + 1, used | (1 << c)));
        }
      }
      return best;
    };
    const square = fc
      .integer({ min: 1, max: 6 })
      .chain((size) =>
        fc.tuple(
          fc.constant(size),
          fc.array(fc.integer({ min: -9, max: 9 }), { minLength: size * size, maxLength: size * size }),
        ),
      );
    fc.assert(
      fc.property(square, ([size, cost]) => {
        expect(totalOf(solve(solver, cost, size, size), cost, size)).toBe(least(cost, size));
      }),
      { numRuns: 300 },
    );
  });

  it('assigns no row if there are no columns', () => {
    expect(solve(solver, [], 3, 0)).toEqual([-1, -1, -1]);
  });
});
