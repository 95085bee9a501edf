import { createGrid, type GridPlan } from './grid.ts';

/** Boxes of several images: four values per row, row by row. */
export type BoxRuns = readonly Float32Array[];

/**
 * How the four values of a box change from cell to cell of the grid, in pixels per pixel: 1 if a value is a
 * position, 0 if it is a size or an offset.
 */
export interface GridSlopes {
  readonly first: readonly [x: number, y: number];
  readonly second: readonly [x: number, y: number];
}

/** Slope of `values` over `places`; 0 if there is too little data. */
function slope(places: readonly number[], values: readonly number[]): number {
  const count = places.length;
  const meanPlace = places.reduce((sum, place) => sum + place, 0) / count;
  const meanValue = values.reduce((sum, value) => sum + value, 0) / count;
  let together = 0;
  let spread = 0;
  places.forEach((place, i) => {
    together += (place - meanPlace) * (values[i]! - meanValue);
    spread += (place - meanPlace) ** 2;
  });
  return spread === 0 ? 0 : together / spread;
}

/** Fits the boxes of the finest feature map to the positions of their cells. */
export function gridSlopes(runs: BoxRuns, plan: GridPlan, width: number, height: number): GridSlopes {
  const grid = createGrid(width, height, plan);
  const finest = Math.min(...plan.strides);
  const column = (axis: 'x' | 'y', value: number): number => {
    const places: number[] = [];
    const values: number[] = [];
    for (const boxes of runs) {
      for (let row = 0; row < grid.stride.length; row += 1) {
        const found = boxes[4 * row + value]!;
        if (grid.stride[row] !== finest || !Number.isFinite(found)) continue;
        places.push(grid[axis][row]! * finest);
        values.push(found);
      }
    }
    return slope(places, values);
  };
  return { first: [column('x', 0), column('y', 1)], second: [column('x', 2), column('y', 3)] };
}

/** Tolerance for slopes, because the offsets within the cells vary. */
const SLACK = 0.35;

/** True if both values move with the grid by `expected` per pixel. */
export function follows(slopes: readonly [number, number], expected: readonly [number, number]): boolean {
  return slopes.every((value, axis) => Math.abs(value / expected[axis]! - 1) <= SLACK);
}

/** Minimum number of rows for a verdict. */
export const FEWEST_ROWS = 3;

/** Statistics of boxes that do not follow a grid. */
export interface BoxStatistics {
  readonly rows: number;
  /**
   * largest absolute coordinate per image, minimum over the images: an image unlike the training data may
   * drive boxes anywhere
   */
  readonly largest: number;
  /**
   * share of rows whose third and fourth value are not below the first and second, 0..1: the largest and the
   * smallest over the images; over all images together if each has too few rows
   */
  readonly ordered: number;
  readonly minOrdered: number;
}

/** @param counts returns whether row `row` of image `run` is a box at all */
export function boxStatistics(runs: BoxRuns, counts: (run: number, row: number) => boolean): BoxStatistics {
  let rows = 0;
  let least = Infinity;
  let ordered = 0;
  let minOrdered = 1;
  let allInOrder = 0;
  let isReported = false;
  runs.forEach((boxes, run) => {
    let largest = 0;
    let counted = 0;
    let inOrder = 0;
    for (let row = 0; 4 * row < boxes.length; row += 1) {
      const [a, b, c, d] = boxes.subarray(4 * row, 4 * row + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      if (!Number.isFinite(a + b + c + d) || !counts(run, row)) continue;
      rows += 1;
      counted += 1;
      largest = Math.max(largest, Math.abs(a), Math.abs(b), Math.abs(c), Math.abs(d));
      if (c >= a && d >= b) inOrder += 1;
    }
    allInOrder += inOrder;
    if (counted >= FEWEST_ROWS) {
      isReported = true;
      ordered = Math.max(ordered, inOrder / counted);
      minOrdered = Math.min(minOrdered, inOrder / counted);
    }
    if (largest > 0) least = Math.min(least, largest);
  });
  if (!isReported && rows >= FEWEST_ROWS) ordered = minOrdered = allInOrder / rows;
  return { rows, largest: Number.isFinite(least) ? least : 0, ordered, minOrdered };
}
