import { createRandom, type Random } from '../random.ts';
import { asBytes, clampedBytes, withPixels, type Picture } from './picture.ts';

/** Entries of the table of bell-shaped values: a power of two. */
const TABLE_SIZE = 1 << 16;
let table: Float32Array | undefined;

/** Bell-shaped values with standard deviation 1, read from a random place for each row. */
export function bellTable(): Float32Array {
  if (table !== undefined) return table;
  const random = createRandom(0x62656c6c);
  return (table = Float32Array.from({ length: TABLE_SIZE }, () => random.bell()));
}

/** Adds noise whose standard deviation depends on the value. @param sigmas gray levels, for each of 256 values */
export function addNoise(image: Picture, sigmas: Float32Array, random: Random): Picture {
  const bell = bellTable();
  const { pixels, width, height } = image;
  const out = clampedBytes(image);
  const row = width * 3;
  for (let y = 0; y < height; y++) {
    const start = random.int(0, TABLE_SIZE - 1);
    const stride = 2 * random.int(0, 500) + 1;
    for (let i = y * row, n = start; i < (y + 1) * row; i++, n += stride)
      out[i] = pixels[i]! + sigmas[pixels[i]!]! * bell[n & (TABLE_SIZE - 1)]!;
  }
  return withPixels(image, asBytes(out));
}

/** Sets a share of the values to 0 or 255. */
export function saltAndPepper(image: Picture, share: number, random: Random): Picture {
  const pixels = image.pixels.slice();
  const count = Math.round(pixels.length * share);
  for (let k = 0; k < count; k++) pixels[random.int(0, pixels.length - 1)] = k % 2 === 0 ? 0 : 255;
  return withPixels(image, pixels);
}

/** Standard deviations by value: constant, of a Poisson process, in proportion to the value. */
export const sigmasOf = {
  gaussian: (sigma: number) => new Float32Array(256).fill(255 * sigma),
  /** @param photons at full brightness; the normal approximation */
  shot: (photons: number) =>
    Float32Array.from({ length: 256 }, (_, value) => 255 * Math.sqrt(value / 255 / photons)),
  speckle: (sigma: number) => Float32Array.from({ length: 256 }, (_, value) => value * sigma),
} as const;
