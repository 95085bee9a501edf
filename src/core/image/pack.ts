import type { ImageView, PixelEncoding } from '../frame.ts';
import { planeRows, rowBytes } from './layout.ts';

/** Bytes of a picture without padding, all planes together. */
export function packedBytes(encoding: PixelEncoding, width: number, height: number): number {
  return rowBytes(encoding, width) * planeRows(encoding, height);
}

/**
 * Copies a picture without the padding at the end of its rows, planes one after the other.
 * @param out at least `packedBytes` long; only that many bytes are written
 */
export function packRows(view: ImageView, out: Uint8Array): void {
  const { encoding, width, height, step, data } = view;
  const row = rowBytes(encoding, width);
  if (step === row) {
    out.set(data.subarray(0, packedBytes(encoding, width, height)));
    return;
  }
  // The chroma rows of nv12 and nv21 are as long as their luma rows, so both planes are one run of rows.
  const wholeRows = encoding === 'i420' ? height : planeRows(encoding, height);
  copyRows(data, 0, step, out, 0, row, wholeRows);
  // The two chroma planes of i420: height / 2 rows each, half a step apart, half a row long.
  if (encoding === 'i420') copyRows(data, step * height, step / 2, out, row * height, row / 2, height);
}

function copyRows(
  data: Uint8Array,
  from: number,
  step: number,
  out: Uint8Array,
  to: number,
  row: number,
  rows: number,
): void {
  for (let y = 0; y < rows; y++) {
    const start = from + y * step;
    out.set(data.subarray(start, start + row), to + y * row);
  }
}
