export const IMAGE_KINDS = ['noise', 'texture', 'blocks', 'dark', 'gray', 'black', 'white'] as const;

export type ImageKind = (typeof IMAGE_KINDS)[number];

const CONSTANT: Partial<Record<ImageKind, number>> = { gray: 128, black: 0, white: 255 };

/**
 * An RGB image by the formula of `golden/make.py`.
 * @param spacing source pixels from one pixel to the next, for its blocks
 */
export function syntheticImage(
  kind: ImageKind,
  width: number,
  height: number,
  spacing = 1,
): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) pixels[at++] = valueAt(kind, x, y, c, spacing);
  return pixels;
}

function hashed(x: number, y: number, c: number): number {
  let h = (Math.imul(x, 374761393) + Math.imul(y, 668265263) + Math.imul(c, 2246822519)) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 1274126177) >>> 0;
  return h >>> 24;
}

function valueAt(kind: ImageKind, x: number, y: number, c: number, spacing: number): number {
  switch (kind) {
    case 'noise':
      return hashed(x, y, c);
    case 'texture':
      return (x * 3 + y * 2 + ((x * x + 3 * y * y + 57 * c) >> 4)) & 255;
    case 'blocks': {
      const blockOf = (pixel: number): number => Math.floor(((pixel + 0.5) * spacing) / 8);
      return (blockOf(x) * 53 + blockOf(y) * 97 + 11 * c) & 255;
    }
    case 'dark':
      return x % 16 === 0 ? 255 : hashed(x, y, c) >> 5;
    default:
      return CONSTANT[kind] ?? 0;
  }
}
