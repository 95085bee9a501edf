import { createRandom } from '../random.ts';

/** Size of the network's input. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** Squares of random colors, `block` pixels wide; the same on every machine. */
export function noiseImage({ width, height }: Size, seed: number, block: number): Uint8Array<ArrayBuffer> {
  const random = createRandom(seed);
  const columns = Math.ceil(width / block);
  const rows = Math.ceil(height / block);
  const colors = Uint8Array.from({ length: columns * rows * 3 }, () => random.int(0, 255));
  return enlargeImage(colors, { width: columns, height: rows }, block, { width, height });
}

/**
 * Enlarges each pixel to `factor` x `factor` pixels and crops to `size`. `small` must cover it: ceil(size /
 * factor).
 */
export function enlargeImage(
  small: Uint8Array,
  smallSize: Size,
  factor: number,
  { width, height }: Size,
): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / factor) * smallSize.width;
    for (let x = 0, to = y * width * 3; x < width; x++, to += 3) {
      const from = 3 * (row + Math.floor(x / factor));
      image[to] = small[from]!;
      image[to + 1] = small[from + 1]!;
      image[to + 2] = small[from + 2]!;
    }
  }
  return image;
}

/** The same image with red and blue exchanged. */
export function swapRedAndBlue(image: Uint8Array): Uint8Array<ArrayBuffer> {
  const swapped = new Uint8Array(image);
  for (let at = 0; at + 2 < swapped.length; at += 3) {
    swapped[at] = image[at + 2]!;
    swapped[at + 2] = image[at]!;
  }
  return swapped;
}
