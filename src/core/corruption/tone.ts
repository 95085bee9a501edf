import { asBytes, clampedBytes, withPixels, type Picture } from './picture.ts';

/** Another brightness with the same hue and saturation. @param change of the highest channel, 0..1 each */
export function revalue(image: Picture, change: (value: number) => number): Picture {
  const { pixels } = image;
  const values = Float32Array.from({ length: 256 }, (_, value) => 255 * Math.max(0, change(value / 255)));
  const out = clampedBytes(image);
  for (let i = 0; i < pixels.length; i += 3) {
    const most = Math.max(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
    const value = Math.min(255, values[most]!);
    for (let c = i; c < i + 3; c++) out[c] = most === 0 ? value : (pixels[c]! * value) / most;
  }
  return withPixels(image, asBytes(out));
}

/** Values drawn together around the mean of each channel. @param share of the contrast that is left */
export function flatten(image: Picture, share: number): Picture {
  const { pixels } = image;
  const sums = [0, 0, 0];
  for (let i = 0; i < pixels.length; i++) sums[i % 3]! += pixels[i]!;
  const means = sums.map((sum) => sum / (pixels.length / 3));
  const out = clampedBytes(image);
  for (let i = 0; i < pixels.length; i++) out[i] = (pixels[i]! - means[i % 3]!) * share + means[i % 3]!;
  return withPixels(image, asBytes(out));
}

/** Colors nearer to gray, or farther. @param factor, @param shift of the saturation of HSV */
export function resaturate(image: Picture, factor: number, shift: number): Picture {
  const { pixels } = image;
  const out = clampedBytes(image);
  for (let i = 0; i < pixels.length; i += 3) {
    const most = Math.max(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
    const least = Math.min(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
    const saturation = most === 0 ? 0 : (most - least) / most;
    const scale = saturation === 0 ? 1 : Math.min(1, saturation * factor + shift) / saturation;
    for (let c = i; c < i + 3; c++) out[c] = most - (most - pixels[c]!) * scale;
  }
  return withPixels(image, asBytes(out));
}

/** Coarse squares. @param share of the resolution that is left */
export function pixelate(image: Picture, share: number): Picture {
  const { width, height, pixels } = image;
  const columns = Math.max(1, Math.round(width * share));
  const rows = Math.max(1, Math.round(height * share));
  const sums = new Float64Array(columns * rows * 3);
  const counts = new Uint32Array(columns * rows);
  const cellOf = (x: number, y: number): number =>
    Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = cellOf(x, y);
      counts[cell]! += 1;
      for (let c = 0; c < 3; c++, i++) sums[cell * 3 + c]! += pixels[i]!;
    }
  }
  const out = clampedBytes(image);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = cellOf(x, y);
      for (let c = 0; c < 3; c++, i++) out[i] = sums[cell * 3 + c]! / counts[cell]!;
    }
  }
  return withPixels(image, asBytes(out));
}
