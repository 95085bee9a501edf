import { BLOCK, GRID_COLUMNS, PATCH_COUNT, PATCH_SIDE } from './frame-block.ts';
import { ImageDirections } from './image-directions.ts';
import type { PatchSampler } from './patch-sampler.ts';

const PATCH_PIXELS = PATCH_SIDE * PATCH_SIDE;
const PIXELS = PATCH_COUNT * PATCH_PIXELS;
/** pixels of a patch with neighbors on all sides, which filters of 3 x 3 need */
const INNER = [5, 6, 9, 10] as const;

const LUMA_BINS = 64;
const GRAYS_PER_BIN = 256 / LUMA_BINS;
const BLACK = 8;
const BLOWN = 247;
/** Immerkaer 1996: from the mean absolute response of the filter to the standard deviation of noise */
const NOISE_FACTOR = Math.sqrt(Math.PI / 2) / 6;

/** Sums over the patches of a frame. */
interface Sums {
  luma: number;
  lumaSquared: number;
  saturation: number;
  red: number;
  green: number;
  blue: number;
  black: number;
  blown: number;
  laplacian: number;
  laplacianSquared: number;
  noise: number;
  /** differences of neighbors across borders of blocks, and elsewhere */
  across: number;
  acrossCount: number;
  within: number;
  withinCount: number;
}

const ZERO: Sums = {
  luma: 0,
  lumaSquared: 0,
  saturation: 0,
  red: 0,
  green: 0,
  blue: 0,
  black: 0,
  blown: 0,
  laplacian: 0,
  laplacianSquared: 0,
  noise: 0,
  across: 0,
  acrossCount: 0,
  within: 0,
  withinCount: 0,
};

/** Computes what `IMAGE_FEATURES` names from the patches of a frame. Allocates nothing per frame. */
export class ImageStatistics {
  readonly #luma = new Float64Array(PATCH_PIXELS);
  readonly #bins = new Uint32Array(LUMA_BINS);
  readonly #sums: Sums = { ...ZERO };
  readonly #directions = new ImageDirections();

  /** Writes the features, the patches and the directions into a block. Nothing that it writes is NaN. */
  measure(patches: PatchSampler, block: Float32Array): void {
    Object.assign(this.#sums, ZERO);
    this.#bins.fill(0);
    this.#directions.reset();
    for (let patch = 0; patch < PATCH_COUNT; patch++) {
      block[BLOCK.patches + patch] = this.#readPatch(patches.rgb, patch * PATCH_PIXELS * 3) / PATCH_PIXELS;
      block[BLOCK.roughness + patch] = this.#filter() / INNER.length;
      this.#directions.add(this.#luma);
      this.#compareNeighbors(patches, patch);
    }
    this.#write(block);
    block[BLOCK.roll] = this.#directions.roll;
    block[BLOCK.streaks] = this.#directions.streaks;
  }

  /** Returns the sum of the luma. */
  #readPatch(rgb: Uint8Array, start: number): number {
    const luma = this.#luma;
    const bins = this.#bins;
    let sum = 0;
    let squared = 0;
    let saturation = 0;
    let reds = 0;
    let greens = 0;
    let blues = 0;
    let black = 0;
    let blown = 0;
    for (let i = 0, at = start; i < PATCH_PIXELS; i++, at += 3) {
      const red = rgb[at]!;
      const green = rgb[at + 1]!;
      const blue = rgb[at + 2]!;
      // whole numbers until here: gray pixels get exactly their value
      const gray = (299 * red + 587 * green + 114 * blue) / 1000;
      luma[i] = gray;
      sum += gray;
      squared += gray * gray;
      bins[(gray / GRAYS_PER_BIN) | 0]! += 1;
      if (gray <= BLACK) black += 1;
      if (gray >= BLOWN) blown += 1;
      const brightest = red > green ? (red > blue ? red : blue) : green > blue ? green : blue;
      const darkest = red < green ? (red < blue ? red : blue) : green < blue ? green : blue;
      if (brightest > 0) saturation += (brightest - darkest) / brightest;
      reds += red;
      greens += green;
      blues += blue;
    }
    const sums = this.#sums;
    sums.luma += sum;
    sums.lumaSquared += squared;
    sums.saturation += saturation;
    sums.red += reds;
    sums.green += greens;
    sums.blue += blues;
    sums.black += black;
    sums.blown += blown;
    return sum;
  }

  /** Returns the sum of the absolute responses to the filter of `noise`. */
  #filter(): number {
    const y = this.#luma;
    let laplacian = 0;
    let squared = 0;
    let noise = 0;
    for (const at of INNER) {
      const center = y[at]!;
      const sides = y[at - 4]! + y[at - 1]! + y[at + 1]! + y[at + 4]!;
      const corners = y[at - 5]! + y[at - 3]! + y[at + 3]! + y[at + 5]!;
      const response = sides - 4 * center;
      laplacian += response;
      squared += response * response;
      noise += Math.abs(corners - 2 * sides + 4 * center);
    }
    const sums = this.#sums;
    sums.laplacian += laplacian;
    sums.laplacianSquared += squared;
    sums.noise += noise;
    return noise;
  }

  #compareNeighbors({ crossesColumn, crossesRow }: PatchSampler, patch: number): void {
    const y = this.#luma;
    const sums = this.#sums;
    const column = (patch % GRID_COLUMNS) * PATCH_SIDE;
    const row = ((patch / GRID_COLUMNS) | 0) * PATCH_SIDE;
    for (let i = 0; i < PATCH_SIDE - 1; i++) {
      let sideways = 0;
      let downward = 0;
      for (let k = 0; k < PATCH_SIDE; k++) {
        sideways += Math.abs(y[k * PATCH_SIDE + i]! - y[k * PATCH_SIDE + i + 1]!);
        downward += Math.abs(y[i * PATCH_SIDE + k]! - y[(i + 1) * PATCH_SIDE + k]!);
      }
      noteDifferences(sums, sideways, crossesColumn[column + i] === 1);
      noteDifferences(sums, downward, crossesRow[row + i] === 1);
    }
  }

  #write(block: Float32Array): void {
    const sums = this.#sums;
    const inner = PATCH_COUNT * INNER.length;
    const [across, within] =
      sums.acrossCount > 0 && sums.withinCount > 0
        ? [sums.across / sums.acrossCount, sums.within / sums.withinCount]
        : [0, 0];
    // in the order of IMAGE_FEATURES
    block[0] = sums.luma / PIXELS / 255;
    block[1] = deviation(sums.luma, sums.lumaSquared, PIXELS) / 255;
    block[2] = sums.saturation / PIXELS;
    block[3] = deviation(sums.laplacian, sums.laplacianSquared, inner);
    block[4] = (NOISE_FACTOR * sums.noise) / inner;
    block[5] = entropy(this.#bins);
    block[6] = shareOf(sums.red, sums.green);
    block[7] = shareOf(sums.blue, sums.green);
    block[8] = shareOf(across, within);
    block[9] = sums.black / PIXELS;
    block[10] = sums.blown / PIXELS;
  }
}

function noteDifferences(sums: Sums, difference: number, crosses: boolean): void {
  if (crosses) {
    sums.across += difference;
    sums.acrossCount += PATCH_SIDE;
  } else {
    sums.within += difference;
    sums.withinCount += PATCH_SIDE;
  }
}

/** Standard deviation from the sums of `count` values and their squares; rounding never makes it NaN. */
function deviation(sum: number, squared: number, count: number): number {
  const mean = sum / count;
  return Math.sqrt(Math.max(0, squared / count - mean * mean));
}

/** The first as a share of both; a half of nothing. */
function shareOf(one: number, other: number): number {
  return one + other > 0 ? one / (one + other) : 0.5;
}

/** Bits per pixel. */
function entropy(bins: Uint32Array): number {
  let sum = 0;
  for (const count of bins) if (count > 0) sum += count * Math.log2(count);
  return Math.max(0, Math.log2(PIXELS) - sum / PIXELS);
}
