import type { Random } from '../random.ts';
import { lineTaps, smear } from './blur.ts';
import { asBytes, clampedBytes, withPixels, type Picture } from './picture.ts';

/** Parameters of snow, as Hendrycks and Dietterich name them. */
export interface Snow {
  /** of the layer of flakes, before the threshold */
  readonly mean: number;
  /** pixels of a flake */
  readonly zoom: number;
  readonly threshold: number;
  readonly radius: number;
  readonly sigma: number;
  /** share of the image that is not whitened */
  readonly clear: number;
}

const LAYER_SIGMA = 0.3;

/** Flakes that fall across a whitened image; the layer is added twice, once upside down. */
export function snow(
  image: Picture,
  { mean, zoom, threshold, radius, sigma, clear }: Snow,
  random: Random,
): Picture {
  const { width, height, pixels } = image;
  const columns = Math.ceil(width / zoom);
  const coarse = Float32Array.from({ length: columns * Math.ceil(height / zoom) }, () => {
    const value = mean + LAYER_SIGMA * random.bell();
    return value < threshold ? 0 : Math.min(1, value);
  });
  const flakes = Float32Array.from(
    { length: width * height },
    (_, i) => coarse[Math.floor(Math.floor(i / width) / zoom) * columns + Math.floor((i % width) / zoom)]!,
  );
  const layer = smear(
    flakes,
    image,
    1,
    lineTaps(radius, sigma, random.range(Math.PI / 4, (3 * Math.PI) / 4)),
  );
  const out = clampedBytes(image);
  for (let i = 0, at = 0; i < layer.length; i++) {
    const gray = (299 * pixels[at]! + 587 * pixels[at + 1]! + 114 * pixels[at + 2]!) / 1000;
    const white = gray * 1.5 + 127.5;
    const fallen = 255 * (layer[i]! + layer[layer.length - 1 - i]!);
    for (let c = 0; c < 3; c++, at++)
      out[at] = clear * pixels[at]! + (1 - clear) * Math.max(pixels[at]!, white) + fallen;
  }
  return withPixels(image, asBytes(out));
}

/** Side of the map of fog: a power of two. */
const FOG_SIDE = 256;

/**
 * Fog whose density is a plasma fractal (diamonds and squares).
 * @param density added, as a share of full brightness
 */
export function fog(image: Picture, density: number, random: Random): Picture {
  const { width, height, pixels } = image;
  const map = plasma(random);
  const most = pixels.reduce((a, b) => Math.max(a, b), 1) / 255;
  const scale = most / (most + density);
  const out = clampedBytes(image);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor((y * FOG_SIDE) / height) * FOG_SIDE;
    for (let x = 0; x < width; x++) {
      const added = 255 * density * map[row + Math.floor((x * FOG_SIDE) / width)]!;
      for (let c = 0; c < 3; c++, at++) out[at] = (pixels[at]! + added) * scale;
    }
  }
  return withPixels(image, asBytes(out));
}

function plasma(random: Random): Float32Array {
  const map = new Float32Array(FOG_SIDE * FOG_SIDE);
  const at = (x: number, y: number): number => (y & (FOG_SIDE - 1)) * FOG_SIDE + (x & (FOG_SIDE - 1));
  let wobble = 1;
  for (let step = FOG_SIDE; step > 1; step /= 2, wobble /= 2) {
    const half = step / 2;
    const set = (x: number, y: number, corners: readonly number[]): void => {
      const mean = corners.reduce((sum, corner) => sum + map[corner]!, 0) / corners.length;
      map[at(x, y)] = mean + wobble * random.range(-1, 1);
    };
    for (let y = 0; y < FOG_SIDE; y += step)
      for (let x = 0; x < FOG_SIDE; x += step)
        set(x + half, y + half, [at(x, y), at(x + step, y), at(x, y + step), at(x + step, y + step)]);
    for (let y = 0; y < FOG_SIDE; y += half)
      for (let x = (y + half) % step; x < FOG_SIDE; x += step)
        set(x, y, [at(x - half, y), at(x + half, y), at(x, y - half), at(x, y + half)]);
  }
  const least = map.reduce((a, b) => Math.min(a, b), Infinity);
  const most = map.reduce((a, b) => Math.max(a, b), -Infinity);
  return map.map((value) => (value - least) / (most - least));
}
