import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readImageHeader, sniffFormat } from '../../../src/core/image/read-header.ts';

const image = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#3a6' } });

describe('readImageHeader', () => {
  it.each([
    [1, 1],
    [300, 200],
    [1000, 70],
  ])('reads %i x %i from what libjpeg and libpng write', async (width, height) => {
    const size = { width, height };
    const baseline = await image(width, height).jpeg().toBuffer();
    const progressive = await image(width, height)
      .jpeg({ progressive: true })
      .withExif({ IFD0: { Copyright: 'x' } })
      .toBuffer();
    const png = await image(width, height).png().toBuffer();
    expect(readImageHeader(baseline)).toMatchObject(size);
    expect(readImageHeader(progressive)).toMatchObject(size);
    expect(readImageHeader(png)).toMatchObject(size);
  });

  it('skips fill bytes and markers without a length', () => {
    const data = Uint8Array.of(
      0xff,
      0xd8,
      0xff,
      0x01,
      0xff,
      0xff,
      0xff,
      0xc0,
      0,
      17,
      8,
      0x02,
      0x58,
      0x03,
      0x20,
      3,
    );
    expect(readImageHeader(data)).toMatchObject({ width: 800, height: 600 });
  });

  it('does not mistake a table before the frame header for it', () => {
    const table = [0xff, 0xc4, 0, 8, 1, 2, 3, 4, 5, 6];
    const data = Uint8Array.of(0xff, 0xd8, ...table, 0xff, 0xc2, 0, 17, 8, 0, 5, 0, 7, 3);
    expect(readImageHeader(data)).toMatchObject({ width: 7, height: 5 });
  });

  it('returns nothing for a truncated or damaged header', async () => {
    const jpeg = await image(64, 64).jpeg().toBuffer();
    const frame = jpeg.indexOf(Uint8Array.of(0xff, 0xc0));
    for (let length = 0; length < frame + 9; length++) {
      expect(readImageHeader(jpeg.subarray(0, length))).toBeUndefined();
    }
    const noLength = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xc0, 0, 17, 8, 0, 1, 0, 1);
    expect(readImageHeader(noLength)).toBeUndefined();
    const png = await image(64, 64).png().toBuffer();
    expect(readImageHeader(png.subarray(0, 23))).toBeUndefined();
  });

  it('reads it in a view into a larger buffer', async () => {
    const png = await image(37, 21).png().toBuffer();
    const pool = new Uint8Array(png.length + 9);
    pool.set(png, 9);
    expect(readImageHeader(pool.subarray(9))).toMatchObject({ width: 37, height: 21 });
  });

  it.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'],
    ['GIF', 'GIF89a\u0009\u0000\u0009\u0000'],
    ['TIFF', 'II*\u0000\u0008\u0000\u0000\u0000'],
    ['WebP', 'RIFF\u0024\u0000\u0000\u0000WEBPVP8 '],
    ['nothing', ''],
  ])('does not recognize %s, whatever libvips could do with it', (_, text) => {
    const data = new TextEncoder().encode(text);
    expect(sniffFormat(data)).toBeUndefined();
    expect(readImageHeader(data)).toBeUndefined();
  });
});
