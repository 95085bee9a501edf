import { BLOCK, GRID_COLUMNS, GRID_ROWS, PATCH_COUNT } from '../frame-block.ts';
import { OBSERVATION_FLOATS, OBSERVED, PLACE } from './observed.ts';
import { measureRelief } from './relief.ts';

/** columns, rows and luma of a constant image have no correlation */
const MIN_VARIANCE = 1e-6;
const COLUMN_VARIANCE = (GRID_COLUMNS * GRID_COLUMNS - 1) / 12;
const ROW_VARIANCE = (GRID_ROWS * GRID_ROWS - 1) / 12;
const THIRD = (GRID_ROWS / 3) * GRID_COLUMNS;

/** What the patches of a camera's observations show. */
export class PatchWatch {
  readonly #before = new Float32Array(PATCH_COUNT);
  readonly #sorted = new Float32Array(PATCH_COUNT);
  #count = 0;

  /** @param block of the frame @param values of the observation, where the results go */
  update(block: Float32Array, values: Float64Array): void {
    const patches = block.subarray(BLOCK.patches, BLOCK.patches + PATCH_COUNT);
    const roughness = block.subarray(BLOCK.roughness, BLOCK.roughness + PATCH_COUNT);
    // what is not a number would stay in averages
    if (Number.isNaN(sumOf(patches) + sumOf(roughness))) return;
    measureSlopes(patches, values);
    this.#measureLuma(patches, values);
    this.#measureRelief(patches, values);
    this.#note(roughness, values, { rough_10: 0.1, rough_25: 0.25, rough_75: 0.75 });
    if (this.#count > 0) values[PLACE.motion] = changeOf(patches, this.#before);
    this.#before.set(patches);
    this.#count += 1;
  }

  #measureLuma(patches: Float32Array, values: Float64Array): void {
    this.#note(patches, values, { luma_5: 0.05, luma_50: 0.5, luma_95: 0.95 });
    values[PLACE.luma_top] = sumOf(patches.subarray(0, THIRD)) / THIRD;
    values[PLACE.luma_low] = sumOf(patches.subarray(PATCH_COUNT - THIRD)) / THIRD;
    let steps = 0;
    for (let i = 1; i < PATCH_COUNT; i++)
      if (i % GRID_COLUMNS > 0) steps += Math.abs(patches[i]! - patches[i - 1]!);
    values[PLACE.steps] = steps / (GRID_ROWS * (GRID_COLUMNS - 1));
  }

  #measureRelief(patches: Float32Array, values: Float64Array): void {
    const relief = values.subarray(OBSERVED.length, OBSERVATION_FLOATS);
    measureRelief(patches, relief);
    this.#note(relief.map(Math.abs), values, { relief_10: 0.1, relief_25: 0.25 });
  }

  /** Quantiles of one value of each patch. */
  #note(
    of: ArrayLike<number>,
    values: Float64Array,
    quantiles: Partial<Record<keyof typeof PLACE, number>>,
  ): void {
    this.#sorted.set(of);
    this.#sorted.sort();
    for (const [name, share] of Object.entries(quantiles) as [keyof typeof PLACE, number][])
      values[PLACE[name]] = this.#sorted[Math.round(share * (PATCH_COUNT - 1))]!;
  }
}

const sumOf = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0);

/** Mean absolute change over 255, the change of the mean taken out. */
function changeOf(patches: Float32Array, before: Float32Array): number {
  const shift = (sumOf(patches) - sumOf(before)) / PATCH_COUNT;
  let sum = 0;
  for (let i = 0; i < PATCH_COUNT; i++) sum += Math.abs(patches[i]! - before[i]! - shift);
  return sum / PATCH_COUNT / 255;
}

function measureSlopes(patches: Float32Array, values: Float64Array): void {
  let [sum, squares, byColumn, byRow] = [0, 0, 0, 0];
  for (let i = 0; i < PATCH_COUNT; i++) {
    const luma = patches[i]!;
    const column = i % GRID_COLUMNS;
    sum += luma;
    squares += luma * luma;
    byColumn += luma * (column - (GRID_COLUMNS - 1) / 2);
    byRow += luma * ((i - column) / GRID_COLUMNS - (GRID_ROWS - 1) / 2);
  }
  const variance = squares / PATCH_COUNT - (sum / PATCH_COUNT) ** 2;
  const isFlat = !(variance > MIN_VARIANCE);
  values[PLACE.slope_x] = isFlat ? 0 : byColumn / PATCH_COUNT / Math.sqrt(variance * COLUMN_VARIANCE);
  values[PLACE.slope_y] = isFlat ? 0 : byRow / PATCH_COUNT / Math.sqrt(variance * ROW_VARIANCE);
}
