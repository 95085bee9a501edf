/** Packed rgb8 pixels, row by row: width * height * 3 bytes. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** How strong a corruption is: 1 is the weakest. */
export type Strength = 1 | 2 | 3 | 4 | 5;

/** A parameter of a corruption by strength. */
export type ByStrength<T = number> = readonly [T, T, T, T, T];

/** An image with other pixels of the same size. */
export function withPixels({ width, height }: Picture, pixels: Uint8Array<ArrayBuffer>): Picture {
  return { width, height, pixels };
}

/** Bytes that clamp what is stored, and round it. */
export function clampedBytes(image: Picture): Uint8ClampedArray<ArrayBuffer> {
  return new Uint8ClampedArray(image.width * image.height * 3);
}

/** The same memory as plain bytes. */
export function asBytes(clamped: Uint8ClampedArray<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(clamped.buffer, clamped.byteOffset, clamped.byteLength);
}
