import type { Letterbox } from '../image/letterbox.ts';
import { AxisTaps } from './axis-taps.ts';
import { GRID_COLUMNS, GRID_ROWS, PATCH_COUNT, PATCH_SIDE } from './frame-block.ts';

/** Pixels of one frame as the engine gets them. */
export interface FramePixels {
  /** `letterboxed`: RGB of the network's size; otherwise the camera's own rows */
  readonly layout: 'letterboxed' | 'rgb8' | 'bgr8';
  readonly pixels: Uint8Array;
  /** bytes per row */
  readonly step: number;
  readonly letterbox: Letterbox;
  /** the graph averages two grids when it resizes this frame */
  readonly averages: boolean;
}

/** JPEG and the usual video codecs compress blocks of this side. */
const BLOCK_SIDE = 8;

const COLUMNS = GRID_COLUMNS * PATCH_SIDE;
const ROWS = GRID_ROWS * PATCH_SIDE;

/**
 * Takes a grid of patches out of a frame as the network sees it: pixels of the scaled image, without the border of the
 * letterbox. Those of a raw frame are computed in the way of the graph. Allocates nothing per frame.
 */
export class PatchSampler {
  /** R, G, B of each pixel: patch by patch, row by row within a patch */
  readonly rgb = new Uint8Array(PATCH_COUNT * PATCH_SIDE * PATCH_SIDE * 3);
  /** 1 if a border of blocks lies between a sampled pixel and the next one of its axis */
  readonly crossesColumn = new Uint8Array(COLUMNS);
  readonly crossesRow = new Uint8Array(ROWS);
  /** sampled pixels of the scaled image */
  readonly #columns = new Int32Array(COLUMNS);
  readonly #rows = new Int32Array(ROWS);
  readonly #columnTaps = new AxisTaps(COLUMNS, 3);
  readonly #rowTaps = new AxisTaps(ROWS, 1);
  #placedFor: Letterbox | null = null;
  #grids = 0;

  /** The size of the pixels was checked against the letterbox before. */
  sample(frame: FramePixels): void {
    const { letterbox, averages } = frame;
    if (this.#placedFor === null || !isSameSize(this.#placedFor, letterbox)) this.#place(letterbox);
    if (frame.layout === 'letterboxed') this.#copy(frame);
    else {
      if (this.#grids !== (averages ? 2 : 1)) this.#tap(frame);
      this.#interpolate(frame);
    }
  }

  #place(letterbox: Letterbox): void {
    const { sourceWidth, sourceHeight, scaledWidth, scaledHeight } = letterbox;
    placeAxis(this.#columns, scaledWidth);
    placeAxis(this.#rows, scaledHeight);
    markBlocks(this.crossesColumn, this.#columns, sourceWidth / scaledWidth);
    markBlocks(this.crossesRow, this.#rows, sourceHeight / scaledHeight);
    this.#placedFor = letterbox;
    this.#grids = 0;
  }

  #tap({ averages, letterbox }: FramePixels): void {
    const { sourceWidth, sourceHeight, scaledWidth, scaledHeight } = letterbox;
    this.#columnTaps.fill(this.#columns, sourceWidth, scaledWidth, averages);
    this.#rowTaps.fill(this.#rows, sourceHeight, scaledHeight, averages);
    this.#grids = averages ? 2 : 1;
  }

  #copy({ pixels, step, letterbox: { padX, padY } }: FramePixels): void {
    const { rgb } = this;
    for (let r = 0; r < ROWS; r++) {
      const row = (this.#rows[r]! + padY) * step;
      for (let c = 0; c < COLUMNS; c++) {
        const from = row + (this.#columns[c]! + padX) * 3;
        const to = placeOf(r, c);
        rgb[to] = pixels[from]!;
        rgb[to + 1] = pixels[from + 1]!;
        rgb[to + 2] = pixels[from + 2]!;
      }
    }
  }

  #interpolate({ pixels, step, layout }: FramePixels): void {
    const { rgb } = this;
    const columns = this.#columnTaps;
    const rows = this.#rowTaps;
    const end = this.#grids;
    const share = 1 / end;
    const first = layout === 'bgr8' ? 2 : 0;
    const last = 2 - first;
    for (let r = 0; r < ROWS; r++) {
      for (let c = 0; c < COLUMNS; c++) {
        // a store into bytes cuts off: with a half it rounds
        let red = 0.5;
        let green = 0.5;
        let blue = 0.5;
        for (let grid = 0; grid < end; grid++) {
          const row = grid * ROWS + r;
          const column = grid * COLUMNS + c;
          const above = rows.lower[row]! * step;
          const below = rows.upper[row]! * step;
          const belowShare = rows.weight[row]! * share;
          const aboveShare = share - belowShare;
          const left = columns.lower[column]!;
          const right = columns.upper[column]!;
          const rightShare = columns.weight[column]!;
          const leftShare = 1 - rightShare;
          const nw = above + left;
          const ne = above + right;
          const sw = below + left;
          const se = below + right;
          const ofNw = aboveShare * leftShare;
          const ofNe = aboveShare * rightShare;
          const ofSw = belowShare * leftShare;
          const ofSe = belowShare * rightShare;
          red +=
            ofNw * pixels[nw + first]! +
            ofNe * pixels[ne + first]! +
            ofSw * pixels[sw + first]! +
            ofSe * pixels[se + first]!;
          green +=
            ofNw * pixels[nw + 1]! + ofNe * pixels[ne + 1]! + ofSw * pixels[sw + 1]! + ofSe * pixels[se + 1]!;
          blue +=
            ofNw * pixels[nw + last]! +
            ofNe * pixels[ne + last]! +
            ofSw * pixels[sw + last]! +
            ofSe * pixels[se + last]!;
        }
        const to = placeOf(r, c);
        rgb[to] = red;
        rgb[to + 1] = green;
        rgb[to + 2] = blue;
      }
    }
  }
}

/** Byte of a sampled pixel in `rgb`. */
function placeOf(row: number, column: number): number {
  const patch = (row >> 2) * GRID_COLUMNS + (column >> 2);
  return (patch * PATCH_SIDE * PATCH_SIDE + (row & 3) * PATCH_SIDE + (column & 3)) * 3;
}

function isSameSize(one: Letterbox, other: Letterbox): boolean {
  return (
    one.sourceWidth === other.sourceWidth &&
    one.sourceHeight === other.sourceHeight &&
    one.scaledWidth === other.scaledWidth &&
    one.scaledHeight === other.scaledHeight
  );
}

/**
 * Spreads patches evenly over an axis, near the middle of equal parts; on a small image they overlap. Each is
 * shifted by another number of pixels than the one before, so that they do not all lie alike on a grid of blocks.
 * Beyond an image that is smaller than a patch, its last pixel repeats.
 */
function placeAxis(pixels: Int32Array, size: number): void {
  const parts = pixels.length / PATCH_SIDE;
  for (let i = 0; i < pixels.length; i++) {
    const part = i >> 2;
    const middle = Math.floor((part + 0.5) * (size / parts));
    const start = middle - PATCH_SIDE / 2 + (part % PATCH_SIDE) - 1;
    const inside = Math.max(0, Math.min(size - PATCH_SIDE, start));
    pixels[i] = Math.min(size - 1, inside + (i & 3));
  }
}

/** @param spacing source pixels from one pixel of the scaled image to the next */
function markBlocks(crosses: Uint8Array, pixels: Int32Array, spacing: number): void {
  const blockOf = (pixel: number): number => Math.floor(((pixel + 0.5) * spacing) / BLOCK_SIDE);
  for (let i = 0; i + 1 < pixels.length; i++)
    crosses[i] = blockOf(pixels[i]!) === blockOf(pixels[i + 1]!) ? 0 : 1;
}
