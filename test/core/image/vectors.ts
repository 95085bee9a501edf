import { readFileSync } from 'node:fs';
import type { ImageView, PixelEncoding } from '../../../src/core/image/image-view.ts';
import { planeRows } from '../../../src/core/image/layout.ts';
import { rowBytes } from '../../support/row-bytes.ts';

/** An image in some layout and OpenCV's RGB of it, in base64. */
interface Conversion {
  encoding: PixelEncoding;
  width: number;
  height: number;
  source: string;
  rgb: string;
}

interface Vectors {
  conversions: Conversion[];
  resizes: {
    width: number;
    height: number;
    toWidth: number;
    toHeight: number;
    source: string;
    resized: string;
  }[];
}

/** What golden/make_golden.py wrote. */
export const vectors = JSON.parse(
  readFileSync(new URL('./golden/vectors.json', import.meta.url), 'utf8'),
) as Vectors;

/** What golden/make_bayer.py wrote: mosaics. */
export const mosaics = (
  JSON.parse(readFileSync(new URL('./golden/bayer.json', import.meta.url), 'utf8')) as {
    vectors: Conversion[];
  }
).vectors;

export function pixelsOf(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

/** A view of packed pixels. */
export function packedView(
  encoding: PixelEncoding,
  width: number,
  height: number,
  data: Uint8Array,
): ImageView {
  return { encoding, width, height, step: rowBytes(encoding, width), data };
}

/** The same image with `padding` bytes of noise at the end of each row (half of it after each chroma row of i420). */
export function padRows(view: ImageView, padding: number): ImageView {
  const { encoding, width, height, step, data } = view;
  const padded = step + padding;
  const out = new Uint8Array(padded * planeRows(encoding, height));
  for (let i = 0; i < out.length; i++) out[i] = (i * 31 + 7) & 255;
  const put = (from: number, to: number, row: number) => out.set(data.subarray(from, from + row), to);
  const wholeRows = encoding === 'i420' ? height : planeRows(encoding, height);
  for (let y = 0; y < wholeRows; y++) put(y * step, y * padded, step);
  if (encoding === 'i420') {
    for (let y = 0; y < height; y++) {
      put(height * step + (y * step) / 2, height * padded + (y * padded) / 2, step / 2);
    }
  }
  return { encoding, width, height, step: padded, data: out };
}

/** Maximum and mean difference between two images, in gray levels. */
export function distance(a: Uint8Array, b: Uint8Array): { max: number; mean: number } {
  let max = 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    max = Math.max(max, difference);
    sum += difference;
  }
  return { max, mean: sum / a.length };
}
