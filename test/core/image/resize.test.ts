import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { letterboxFor, type Letterbox } from '../../../src/core/image/letterbox.ts';
import { LetterboxResizer } from '../../../src/core/image/resize.ts';
import { distance, packedView, padRows, pixelsOf, vectors } from './vectors.ts';

/** Part of a network input, row by row. */
function crop(
  input: Uint8Array,
  inputWidth: number,
  x: number,
  y: number,
  width: number,
  height: number,
): Uint8Array {
  const out = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * inputWidth + x) * 3;
    out.set(input.subarray(start, start + width * 3), row * width * 3);
  }
  return out;
}

/** A letterbox that stretches: the resizer uses its sizes regardless of the aspect ratio. */
function stretch(width: number, height: number, toWidth: number, toHeight: number): Letterbox {
  const letterbox = letterboxFor(width, height, toWidth, toHeight, 'top-left');
  return { ...letterbox, scaledWidth: toWidth, scaledHeight: toHeight };
}

describe('bilinear', () => {
  it.each(vectors.resizes)(
    '$width x $height to $toWidth x $toHeight agrees with OpenCV within one level',
    ({ width, height, toWidth, toHeight, source, resized }) => {
      const letterbox = stretch(width, height, toWidth, toHeight);
      const out = new Uint8Array(toWidth * toHeight * 3);
      new LetterboxResizer(letterbox, 'bilinear').resize(
        packedView('rgb8', width, height, pixelsOf(source)),
        out,
      );
      expect(distance(out, pixelsOf(resized)).max).toBeLessThanOrEqual(1);
    },
  );
});

describe('antialias', () => {
  it.each(vectors.resizes.filter(({ width, toWidth }) => toWidth < width))(
    '$width x $height to $toWidth x $toHeight agrees with the linear kernel of sharp within two levels',
    async ({ width, height, toWidth, toHeight, source }) => {
      const expected = await sharp(pixelsOf(source), { raw: { width, height, channels: 3 } })
        .resize(toWidth, toHeight, { fit: 'fill', kernel: 'linear' })
        .raw()
        .toBuffer();
      const letterbox = stretch(width, height, toWidth, toHeight);
      const out = new Uint8Array(toWidth * toHeight * 3);
      new LetterboxResizer(letterbox, 'antialias').resize(
        packedView('rgb8', width, height, pixelsOf(source)),
        out,
      );
      const { max, mean } = distance(out, expected);
      expect(max).toBeLessThanOrEqual(2);
      expect(mean).toBeLessThan(0.5);
    },
  );

  it.each([
    [31, 20],
    [17, 13],
    [9, 7],
    [5, 3],
    [1, 1],
  ])('agrees down to %i x %i too, for which libvips averages blocks first', async (toWidth, toHeight) => {
    const { width, height, source } = vectors.resizes[0]!;
    const expected = await sharp(pixelsOf(source), { raw: { width, height, channels: 3 } })
      .resize(toWidth, toHeight, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    const out = new Uint8Array(toWidth * toHeight * 3);
    new LetterboxResizer(stretch(width, height, toWidth, toHeight), 'antialias').resize(
      packedView('rgb8', width, height, pixelsOf(source)),
      out,
    );
    expect(distance(out, expected).max).toBeLessThanOrEqual(2);
  });

  it('keeps the mean brightness, which bilinear does not promise', () => {
    const width = 100;
    const stripes = Uint8Array.from({ length: width * width * 3 }, (_, i) => (Math.floor(i / 3) % 2) * 255);
    const out = new Uint8Array(10 * 10 * 3);
    const letterbox = letterboxFor(width, width, 10, 10, 'top-left');
    new LetterboxResizer(letterbox, 'antialias').resize(packedView('rgb8', width, width, stripes), out);
    // the outermost columns repeat the border pixel
    const inner = crop(out, 10, 1, 0, 8, 10);
    for (const level of inner) expect(Math.abs(level - 127.5)).toBeLessThan(2);
  });
});

describe('letterbox', () => {
  const { width, height, source } = vectors.resizes[0]!;
  const view = packedView('rgb8', width, height, pixelsOf(source));

  it.each(['top-left', 'center'] as const)('places the image %s and pads the rest', (anchor) => {
    const letterbox = letterboxFor(width, height, 64, 64, anchor);
    const { scaledWidth, scaledHeight, padX, padY } = letterbox;
    const out = new Uint8Array(64 * 64 * 3).fill(1);
    new LetterboxResizer(letterbox, 'bilinear', 77).resize(view, out);
    const alone = new Uint8Array(scaledWidth * scaledHeight * 3);
    const exact = { ...letterbox, inputWidth: scaledWidth, inputHeight: scaledHeight, padX: 0, padY: 0 };
    new LetterboxResizer(exact, 'bilinear').resize(view, alone);
    expect(crop(out, 64, padX, padY, scaledWidth, scaledHeight)).toEqual(alone);
    let padded = 0;
    for (let i = 0; i < out.length; i += 3) {
      const x = (i / 3) % 64;
      const y = Math.floor(i / 3 / 64);
      const inside = x >= padX && x < padX + scaledWidth && y >= padY && y < padY + scaledHeight;
      if (inside) continue;
      expect([...out.subarray(i, i + 3)]).toEqual([77, 77, 77]);
      padded++;
    }
    expect(padded).toBe(64 * 64 - scaledWidth * scaledHeight);
  });

  it('accepts every encoding and step, and keeps nothing of the previous image', () => {
    const { encoding, source: yuyv, rgb, ...size } = vectors.conversions.find((c) => c.encoding === 'yuyv')!;
    const letterbox = letterboxFor(size.width, size.height, 24, 24, 'center');
    const resizer = new LetterboxResizer(letterbox, 'antialias');
    const fromYuv = new Uint8Array(24 * 24 * 3);
    const fromRgb = new Uint8Array(24 * 24 * 3);
    resizer.resize(padRows(packedView('rgb8', size.width, size.height, pixelsOf(rgb)), 6), fromYuv);
    resizer.resize(padRows(packedView(encoding, size.width, size.height, pixelsOf(yuyv)), 4), fromYuv);
    resizer.resize(packedView('rgb8', size.width, size.height, pixelsOf(rgb)), fromRgb);
    expect(fromYuv).toEqual(fromRgb);
  });
});
