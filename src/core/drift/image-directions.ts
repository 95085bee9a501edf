import { PATCH_COUNT, PATCH_SIDE } from './frame-block.ts';

/** pixels of a patch with neighbors on all sides */
const INNER = [5, 6, 9, 10] as const;
/** gray levels per pixel; steeper edges count no more, so that a few of them do not decide */
const STEEPEST = 16;
/** squared gray levels: a flat place has no direction */
const FLAT = 1e-3;
/** gray levels that the mean of a column differs from the mean of its neighbors in a patch with a streak */
const STREAK = 2;
/** Weight of a level image without edges, so that a constant one is level. */
const LEVEL = 1;

/** Which way edges run and how many patches have an upright line, over the patches of a frame. */
export class ImageDirections {
  #weight = 0;
  #turned = 0;
  #streaks = 0;

  reset(): void {
    this.#weight = LEVEL;
    this.#turned = 0;
    this.#streaks = 0;
  }

  /** @param y luma of a patch, row by row */
  add(y: Float64Array): void {
    for (const at of INNER) this.#addEdge(y, at);
    if (hasStreak(y)) this.#streaks += 1;
  }

  /**
   * Sobel's gradient (dx, dy) at an angle a adds its length, and sin 4a: 0 upright and level, and most at 22.5 degrees.
   */
  #addEdge(y: Float64Array, at: number): void {
    const [nw, ne, sw, se] = [y[at - 5]!, y[at - 3]!, y[at + 3]!, y[at + 5]!];
    const dx = (ne + 2 * y[at + 1]! + se - nw - 2 * y[at - 1]! - sw) / 8;
    const dy = (sw + 2 * y[at + 4]! + se - nw - 2 * y[at - 4]! - ne) / 8;
    const squared = dx * dx + dy * dy + FLAT;
    const weight = Math.min(STEEPEST, Math.sqrt(squared));
    this.#weight += weight;
    this.#turned += (weight * 4 * dx * dy * (dx * dx - dy * dy)) / (squared * squared);
  }

  /** (1 + weighted mean of sin 4a) / 2, 0..1: 0.5 for a level camera in a world of upright and level edges. */
  get roll(): number {
    return Math.max(0, Math.min(1, (1 + this.#turned / this.#weight) / 2));
  }

  /** Share of the patches with a column that is brighter than those beside it: rain, and thin upright things. */
  get streaks(): number {
    return this.#streaks / PATCH_COUNT;
  }
}

function hasStreak(y: Float64Array): boolean {
  const left = columnMean(y, 0);
  const middle = columnMean(y, 1);
  const right = columnMean(y, 2);
  return (
    Math.abs(middle - (left + right) / 2) > STREAK ||
    Math.abs(right - (middle + columnMean(y, 3)) / 2) > STREAK
  );
}

function columnMean(y: Float64Array, column: number): number {
  return (
    (y[column]! + y[column + PATCH_SIDE]! + y[column + 2 * PATCH_SIDE]! + y[column + 3 * PATCH_SIDE]!) / 4
  );
}
