import type { ImageView } from './image-view.ts';
import { demosaic, isBayer } from './bayer.ts';

/**
 * BT.601 limited range to RGB (ITU-R BT.601-7, 2.5.3, inverted for 8 bits) in fixed point with 20 fractional
 * bits, as OpenCV's `cvtColor` computes it, so that images equal those of cv_bridge: R = 1.164 (Y - 16) +
 * 1.596 V, G = 1.164 (Y - 16) - 0.813 V - 0.391 U, B = 1.164 (Y - 16) + 2.018 U, with U, V around 0.
 */
const SHIFT = 20;
const HALF = 1 << (SHIFT - 1);
const Y_GAIN = 1220542;
const V_TO_R = 1673527;
const V_TO_G = -852492;
const U_TO_G = -409993;
const U_TO_B = 2116026;

/** Writes one pixel; `u` and `v` are chroma minus 128. */
function putYuv(out: Uint8ClampedArray, to: number, luma: number, u: number, v: number): void {
  const y = luma > 16 ? (luma - 16) * Y_GAIN + HALF : HALF;
  out[to] = (y + V_TO_R * v) >> SHIFT;
  out[to + 1] = (y + V_TO_G * v + U_TO_G * u) >> SHIFT;
  out[to + 2] = (y + U_TO_B * u) >> SHIFT;
}

/**
 * Converts an image to packed RGB: row after row, no padding, alpha dropped, mono repeated on three channels,
 * 16 bits scaled to 8. Missing colors of a mosaic are averaged from neighbors. Chroma of subsampled layouts
 * is repeated, not interpolated.
 * @param out at least width * height * 3 bytes; only that many are written
 */
export function toRgb(view: ImageView, out: Uint8Array): void {
  const { encoding } = view;
  if (isBayer(encoding)) return demosaic({ ...view, encoding }, out);
  switch (encoding) {
    case 'rgb8':
      return copyChannels(view, out, 3, 0, 2);
    case 'bgr8':
      return copyChannels(view, out, 3, 2, 0);
    case 'rgba8':
      return copyChannels(view, out, 4, 0, 2);
    case 'bgra8':
      return copyChannels(view, out, 4, 2, 0);
    case 'mono8':
      return repeatMono(view, out, 1, 0);
    case 'mono16':
      return repeatMono(view, out, 2, 1);
    case 'mono16be':
      return repeatMono(view, out, 2, 0);
    case 'uyvy':
      return convertPacked422(view, out, 1, 0, 2);
    case 'yuyv':
      return convertPacked422(view, out, 0, 1, 3);
    case 'nv12':
      return convert420(view, out, view.step, 2, 0, 1);
    case 'nv21':
      return convert420(view, out, view.step, 2, 1, 0);
    case 'i420':
      return convert420(view, out, view.step / 2, 1, 0, (view.step / 2) * (view.height / 2));
  }
}

function copyChannels(view: ImageView, out: Uint8Array, channels: number, red: number, blue: number): void {
  const { width, height, step, data } = view;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = y * step;
    if (channels === 3 && red === 0) {
      out.set(data.subarray(row, row + width * 3), to);
      to += width * 3;
      continue;
    }
    const end = row + width * channels;
    for (let from = row; from < end; from += channels, to += 3) {
      out[to] = data[from + red]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + blue]!;
    }
  }
}

/**
 * Gray samples of `pitch` bytes, of which the byte at `high` is used: 16 bits are scaled to 8 by dropping the
 * low byte.
 */
function repeatMono(view: ImageView, out: Uint8Array, pitch: number, high: number): void {
  const { width, height, step, data } = view;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = y * step + high;
    for (let from = row; from < row + width * pitch; from += pitch, to += 3) {
      const gray = data[from]!;
      out[to] = gray;
      out[to + 1] = gray;
      out[to + 2] = gray;
    }
  }
}

/** Two pixels in four bytes: the first luma at `yAt`, the second two bytes later, chroma at `uAt` and `vAt`. */
function convertPacked422(view: ImageView, out: Uint8Array, yAt: number, uAt: number, vAt: number): void {
  const { width, height, step, data } = view;
  const clamped = new Uint8ClampedArray(out.buffer, out.byteOffset, out.length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const end = y * step + width * 2;
    for (let from = y * step; from < end; from += 4, to += 6) {
      const u = data[from + uAt]! - 128;
      const v = data[from + vAt]! - 128;
      putYuv(clamped, to, data[from + yAt]!, u, v);
      putYuv(clamped, to + 3, data[from + yAt + 2]!, u, v);
    }
  }
}

/**
 * Luma plane, then chroma for each 2x2 block: that of block column c in chroma row r at r * `chromaStep` + c
 * * `pitch`, U `uAt` bytes and V `vAt` bytes from there.
 */
function convert420(
  view: ImageView,
  out: Uint8Array,
  chromaStep: number,
  pitch: number,
  uAt: number,
  vAt: number,
): void {
  const { width, height, step, data } = view;
  const clamped = new Uint8ClampedArray(out.buffer, out.byteOffset, out.length);
  const chroma = step * height;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const lumaRow = y * step;
    let at = chroma + (y >> 1) * chromaStep;
    for (let x = 0; x < width; x += 2, at += pitch, to += 6) {
      const u = data[at + uAt]! - 128;
      const v = data[at + vAt]! - 128;
      putYuv(clamped, to, data[lumaRow + x]!, u, v);
      putYuv(clamped, to + 3, data[lumaRow + x + 1]!, u, v);
    }
  }
}
