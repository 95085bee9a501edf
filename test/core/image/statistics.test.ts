import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BAYER_ENCODINGS, PIXEL_ENCODINGS, type PixelEncoding } from '../../../src/core/frame.ts';
import { MOSAICS } from '../../../src/core/image/bayer.ts';
import { minSide, planeRows, rowBytes } from '../../../src/core/image/layout.ts';
import { measureFrame } from '../../../src/core/image/statistics.ts';
import { packedView, padRows, pixelsOf, vectors } from './vectors.ts';

/** An image of one gray everywhere: the bytes of luma or color are `level`, chroma is neutral. */
function flat(encoding: PixelEncoding, width: number, height: number, level: number) {
  const data = new Uint8Array(rowBytes(encoding, width) * planeRows(encoding, height)).fill(level);
  if (encoding === 'uyvy') for (let i = 0; i < data.length; i += 2) data[i] = 128;
  if (encoding === 'yuyv') for (let i = 1; i < data.length; i += 2) data[i] = 128;
  if (encoding === 'nv12' || encoding === 'nv21' || encoding === 'i420') data.fill(128, width * height);
  return packedView(encoding, width, height, data);
}

describe('measureFrame', () => {
  it.each(vectors.statistics)(
    'agrees with OpenCV at $width x $height',
    ({ width, height, gray, ...expected }) => {
      const view = packedView('mono8', width, height, pixelsOf(gray));
      for (const padding of [0, 11]) {
        const measured = measureFrame(padRows(view, padding));
        expect(measured.brightness).toBeCloseTo(expected.brightness, 6);
        expect(measured.sharpness).toBeCloseTo(expected.sharpness, 6);
      }
    },
  );

  it.each(PIXEL_ENCODINGS)('sees a flat %s image as flat, at full range', (encoding) => {
    const limited = ['uyvy', 'yuyv', 'nv12', 'nv21', 'i420'].includes(encoding);
    for (const [level, brightness] of limited
      ? ([
          [16, 0],
          [235, 255],
          [0, 0],
          [255, 255],
        ] as const)
      : ([
          [0, 0],
          [255, 255],
          [100, 100],
        ] as const)) {
      const measured = measureFrame(flat(encoding, 200, 100, level));
      expect(measured.brightness).toBeCloseTo(brightness, 6);
      expect(measured.sharpness).toBe(0);
    }
  });

  it('weighs red, green and blue the same in each channel order', () => {
    const orders = {
      rgb8: [200, 100, 50],
      bgr8: [50, 100, 200],
      rgba8: [200, 100, 50, 9],
      bgra8: [50, 100, 200, 9],
    };
    for (const [encoding, pixel] of Object.entries(orders)) {
      const data = Uint8Array.from({ length: 9 * pixel.length }, (_, i) => pixel[i % pixel.length]!);
      // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
      expect(measureFrame(packedView(encoding as PixelEncoding, 3, 3, data)).brightness).toBeCloseTo(
        124.2,
        0,
      );
    }
  });

  it.each(BAYER_ENCODINGS)(
    'sees a mosaic (%s) of one color as flat, and as bright as the color is',
    (encoding) => {
      const { redX, redY, bytes, high } = MOSAICS[encoding];
      const [width, height] = [40, 30];
      const data = new Uint8Array(rowBytes(encoding, width) * height).fill(7);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const [isRedColumn, isRedRow] = [x % 2 === redX, y % 2 === redY];
          data[(y * width + x) * bytes + high] =
            isRedColumn && isRedRow ? 200 : isRedColumn || isRedRow ? 100 : 50;
        }
      const measured = measureFrame(packedView(encoding, width, height, data));
      expect(measured.brightness).toBeCloseTo(124.2, 0);
      expect(measured.sharpness).toBe(0);
    },
  );

  it('gives finite numbers within their ranges for every image, however small', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PIXEL_ENCODINGS),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.infiniteStream(fc.nat(255)),
        (encoding, halfWidth, halfHeight, bytes) => {
          const even = rowBytes(encoding, 1) === 2 || planeRows(encoding, 2) === 3 ? 2 : 1;
          const more = minSide(encoding) - 1;
          const [width, height] = [halfWidth * even + more, halfHeight * even + more];
          const data = new Uint8Array(rowBytes(encoding, width) * planeRows(encoding, height));
          for (let i = 0; i < data.length; i++) data[i] = bytes.next().value as number;
          const { brightness, sharpness } = measureFrame(packedView(encoding, width, height, data));
          expect(brightness).toBeGreaterThanOrEqual(0);
          expect(brightness).toBeLessThanOrEqual(255);
          expect(sharpness).toBeGreaterThanOrEqual(0);
          if (width < 3 || height < 3) expect(sharpness).toBe(0);
        },
      ),
      { seed: 11, numRuns: 300 },
    );
  });

  it('falls when an image is blurred', () => {
    const size = 60;
    const noise = Uint8Array.from({ length: size * size }, (_, i) => (Math.imul(i, 2654435761) >>> 24) & 255);
    const blurred = noise.map((_, i) => {
      let sum = 0;
      for (let k = -4; k <= 4; k++) sum += noise[(i + k + noise.length) % noise.length]!;
      return sum / 9;
    });
    const sharp = measureFrame(packedView('mono8', size, size, noise)).sharpness;
    expect(measureFrame(packedView('mono8', size, size, blurred)).sharpness).toBeLessThan(sharp / 4);
  });
});
