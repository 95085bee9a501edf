import { describe, expect, it } from 'vitest';
import { encodeJpeg, encodePng } from '../../../src/device/imaging/encode-image.ts';
import { readImageSize } from '../../../src/device/imaging/image-header.ts';
import { rawImage } from '../pipeline/fakes.ts';

const rgb = rawImage('rgb8', 37, 21).data;

describe('readImageSize', () => {
  it('reads what real encoders write', async () => {
    expect(readImageSize(await encodeJpeg(rgb, 37, 21, 80))).toEqual({ width: 37, height: 21 });
    expect(readImageSize(await encodePng(rgb, 37, 21))).toEqual({ width: 37, height: 21 });
  });

  it('reads it in a view that begins within a larger buffer', async () => {
    const png = await encodePng(rgb, 37, 21);
    const pool = new Uint8Array(png.length + 9);
    pool.set(png, 9);
    expect(readImageSize(pool.subarray(9))).toEqual({ width: 37, height: 21 });
  });

  it('answers null for every header that is cut short, and never looks past its end', async () => {
    const jpeg = await encodeJpeg(rgb, 37, 21, 80);
    const png = await encodePng(rgb, 37, 21);
    for (const [whole, needed] of [
      [jpeg, jpeg.indexOf(0xc0) + 8],
      [png, 24],
    ] as const) {
      for (let length = 0; length < needed; length++)
        expect(readImageSize(whole.subarray(0, length))).toBeNull();
      expect(readImageSize(whole.subarray(0, needed + 2))).toEqual({ width: 37, height: 21 });
    }
  });

  it.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'],
    ['GIF', 'GIF89a\u0009\u0000\u0009\u0000'],
    ['TIFF', 'II*\u0000\u0008\u0000\u0000\u0000'],
    ['WebP', 'RIFF\u0024\u0000\u0000\u0000WEBPVP8 '],
    ['nothing', ''],
  ])('does not know %s, whatever libvips could do with it', (_, text) => {
    expect(readImageSize(new TextEncoder().encode(text))).toBeNull();
  });
});
