import { asBytes, clampedBytes, withPixels, type Picture } from './picture.ts';

const clamp = (value: number, last: number): number => (value < 0 ? 0 : value > last ? last : value);

/** Out of focus: the mean over a disk. Beyond the border, its pixels repeat. @param radius whole pixels */
export function defocus(image: Picture, radius: number): Picture {
  const { width, height } = image;
  const sums = rowSums(image, radius);
  const stride = (width + 2 * radius + 1) * 3;
  const out = clampedBytes(image);
  const halves = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.floor(Math.sqrt(radius * radius - (i - radius) ** 2)),
  );
  const share = 1 / halves.reduce((sum, half) => sum + 2 * half + 1, 0);
  const line = new Float64Array(width * 3);
  for (let y = 0; y < height; y++) {
    line.fill(0);
    halves.forEach((half, i) => {
      const row = clamp(y + i - radius, height - 1) * stride;
      const from = row + (radius - half) * 3;
      const to = row + (radius + half + 1) * 3;
      for (let x = 0; x < line.length; x++) line[x]! += sums[to + x]! - sums[from + x]!;
    });
    for (let x = 0; x < line.length; x++) out[y * width * 3 + x] = line[x]! * share;
  }
  return withPixels(image, asBytes(out));
}

/** Sums of each row from its start on, by channel, with `pad` repeated pixels on both sides. */
function rowSums({ width, height, pixels }: Picture, pad: number): Int32Array {
  const length = width + 2 * pad;
  const sums = new Int32Array(height * (length + 1) * 3);
  for (let y = 0; y < height; y++) {
    let to = y * (length + 1) * 3 + 3;
    for (let x = 0; x < length; x++) {
      const from = (y * width + clamp(x - pad, width - 1)) * 3;
      for (let c = 0; c < 3; c++, to++) sums[to] = sums[to - 3]! + pixels[from + c]!;
    }
  }
  return sums;
}

/** Places along a line and their weights, which add up to 1. */
export interface Taps {
  readonly dx: Int32Array;
  readonly dy: Int32Array;
  readonly weights: Float64Array;
}

/** @param radius pixels to each side @param sigma of the weights, pixels @param angle radians */
export function lineTaps(radius: number, sigma: number, angle: number): Taps {
  const count = 2 * radius + 1;
  const raw = Float64Array.from({ length: count }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = raw.reduce((a, b) => a + b, 0);
  return {
    dx: Int32Array.from({ length: count }, (_, i) => Math.round((i - radius) * Math.cos(angle))),
    dy: Int32Array.from({ length: count }, (_, i) => Math.round((i - radius) * Math.sin(angle))),
    weights: raw.map((weight) => weight / sum),
  };
}

/** Smears values along a line. Beyond the border, its values repeat. @param channels of a pixel: 3, or 1 for a layer */
export function smear(
  values: ArrayLike<number>,
  size: { readonly width: number; readonly height: number },
  channels: number,
  { dx, dy, weights }: Taps,
): Float32Array {
  const { width, height } = size;
  const row = width * channels;
  const out = new Float32Array(row * height);
  for (let y = 0; y < height; y++) {
    for (let tap = 0; tap < weights.length; tap++) {
      const from = clamp(y + dy[tap]!, height - 1) * row;
      const shift = Math.max(-row, Math.min(row, dx[tap]! * channels));
      const weight = weights[tap]!;
      const to = y * row;
      const begin = Math.max(0, -shift);
      const end = Math.min(row, row - shift);
      for (let i = 0; i < begin; i++) out[to + i]! += weight * values[from + (i % channels)]!;
      for (let i = begin; i < end; i++) out[to + i]! += weight * values[from + shift + i]!;
      for (let i = end; i < row; i++)
        out[to + i]! += weight * values[from + row - channels + (i % channels)]!;
    }
  }
  return out;
}

/** The camera moved while the shutter was open. */
export function motionBlur(image: Picture, taps: Taps): Picture {
  const out = clampedBytes(image);
  out.set(smear(image.pixels, image, 3, taps));
  return withPixels(image, asBytes(out));
}

/** The mean of the image and of enlarged and reduced copies around its center. Beyond the border, its pixels repeat. */
export function zoomBlur(image: Picture, factors: readonly number[]): Picture {
  const { width, height, pixels } = image;
  const sums = Float32Array.from(pixels);
  for (const factor of factors) {
    const columns = Int32Array.from({ length: width }, (_, x) => 3 * zoomed(x, width, factor));
    for (let y = 0, to = 0; y < height; y++) {
      const row = zoomed(y, height, factor) * width * 3;
      for (let x = 0; x < width; x++) {
        const from = row + columns[x]!;
        for (let c = 0; c < 3; c++, to++) sums[to]! += pixels[from + c]!;
      }
    }
  }
  const out = clampedBytes(image);
  for (let i = 0; i < out.length; i++) out[i] = sums[i]! / (factors.length + 1);
  return withPixels(image, asBytes(out));
}

const zoomed = (at: number, size: number, factor: number): number =>
  clamp(Math.round((at - (size - 1) / 2) / factor + (size - 1) / 2), size - 1);
