import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PIXEL_ENCODINGS } from '../../../src/core/frame.ts';
import { needsEvenHeight, needsEvenWidth, planeRows, rowBytes } from '../../../src/core/image/layout.ts';
import { checkImage, DEFAULT_SIZE_LIMITS } from '../../../src/device/imaging/frame-check.ts';
import { encodePng } from '../../../src/device/imaging/encode-image.ts';
import { rawImage } from '../pipeline/fakes.ts';

const LIMITS = { maxWidth: 100, maxHeight: 80, maxPixels: 6000 };
const check = (image: Parameters<typeof checkImage>[0]): unknown => checkImage(image, LIMITS);

describe('checkImage of raw images', () => {
  it.each(PIXEL_ENCODINGS)('takes %s, with bytes after each row, and refuses it a byte short', (encoding) => {
    const image = rawImage(encoding, 16, 8, 6);
    expect(check(image)).toMatchObject({ width: 16, height: 8 });
    const { byteLength } = image.data;
    expect(check({ ...image, data: image.data.subarray(0, byteLength - 1) })).toBe('malformed');
    expect(check({ ...image, step: rowBytes(encoding, 16) - 1 })).toBe('malformed');
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 32])('refuses sides of %d', (side) => {
    expect(check({ ...rawImage('rgb8', 16, 8), width: side })).toBe('bad_size');
    expect(check({ ...rawImage('rgb8', 16, 8), height: side })).toBe('bad_size');
  });

  it('refuses what is above a limit, and takes what is at it', () => {
    expect(check(rawImage('mono8', 100, 60))).toMatchObject({ width: 100, height: 60 });
    expect(check(rawImage('mono8', 101, 1))).toBe('bad_size');
    expect(check(rawImage('mono8', 1, 81))).toBe('bad_size');
    expect(check(rawImage('mono8', 100, 61))).toBe('bad_size');
  });

  it('refuses odd sides and odd steps where neighbors share their color', () => {
    for (const encoding of PIXEL_ENCODINGS) {
      const wide = { ...rawImage(encoding, 18, 10), width: 17 };
      expect(check(wide), encoding).toEqual(needsEvenWidth(encoding) ? 'malformed' : expect.anything());
      const high = { ...rawImage(encoding, 18, 10), height: 9 };
      expect(check(high), encoding).toEqual(needsEvenHeight(encoding) ? 'malformed' : expect.anything());
    }
    expect(check(rawImage('i420', 16, 8, 1))).toBe('malformed');
    expect(check(rawImage('nv12', 16, 8, 1))).toMatchObject({ width: 16 });
  });

  it('law: what it takes has every byte that its layout promises', () => {
    const image = fc.record({
      encoding: fc.constantFrom(...PIXEL_ENCODINGS),
      width: fc.integer({ min: -1, max: 110 }),
      height: fc.integer({ min: -1, max: 90 }),
      step: fc.oneof(fc.integer({ min: -1, max: 500 }), fc.double()),
      bytes: fc.integer({ min: 0, max: 60_000 }),
    });
    fc.assert(
      fc.property(image, ({ bytes, ...layout }) => {
        const view = { ...layout, data: new Uint8Array(bytes) };
        if (typeof check(view) === 'string') return;
        expect(layout.step).toBeGreaterThanOrEqual(rowBytes(layout.encoding, layout.width));
        expect(layout.step * planeRows(layout.encoding, layout.height)).toBeLessThanOrEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('checkImage of compressed images', () => {
  it('goes by the size that the header claims', async () => {
    const png = await encodePng(rawImage('rgb8', 20, 10).data, 20, 10);
    expect(check({ format: 'png', data: png })).toEqual({ width: 20, height: 10 });
    for (const [width, height] of [
      [0, 10],
      [20, 0],
      [60_000, 60_000],
      [101, 1],
    ] as const) {
      const bomb = new Uint8Array(png);
      new DataView(bomb.buffer).setUint32(16, width);
      new DataView(bomb.buffer).setUint32(20, height);
      expect(check({ format: 'png', data: bomb })).toBe('bad_size');
    }
  });

  it('refuses bytes that are no image', () => {
    expect(check({ format: 'jpeg', data: new Uint8Array(0) })).toBe('corrupt_image');
    expect(check({ format: 'png', data: new TextEncoder().encode('<svg/>') })).toBe('corrupt_image');
  });
});

describe('DEFAULT_SIZE_LIMITS', () => {
  it('lets 8K in both orientations through and refuses 8192 x 8192', () => {
    const mono = { encoding: 'mono8', data: new Uint8Array(7680 * 4320) } as const;
    expect(checkImage({ ...mono, width: 7680, height: 4320, step: 7680 }, DEFAULT_SIZE_LIMITS)).toBeTypeOf(
      'object',
    );
    expect(checkImage({ ...mono, width: 4320, height: 7680, step: 4320 }, DEFAULT_SIZE_LIMITS)).toBeTypeOf(
      'object',
    );
    expect(checkImage({ ...mono, width: 8192, height: 8192, step: 8192 }, DEFAULT_SIZE_LIMITS)).toBe(
      'bad_size',
    );
  });
});
