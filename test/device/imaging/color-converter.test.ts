import { describe, expect, it } from 'vitest';
import { PIXEL_ENCODINGS } from '../../../src/core/image/image-view.ts';
import { toRgb } from '../../../src/core/image/convert.ts';
import { convertToRgb, withRgb } from '../../../src/device/imaging/color-converter.ts';
import { encodeJpeg, encodeViewJpeg } from '../../../src/device/imaging/encode-image.ts';
import { rawImage } from '../pipeline/fakes.ts';

describe('convertToRgb', () => {
  it.each(PIXEL_ENCODINGS)(
    'returns the same as toRgb for %s, large and small, with bytes after each row',
    async (encoding) => {
      for (const [width, height] of [
        [640, 360],
        [32, 16],
      ] as const) {
        const view = rawImage(encoding, width, height, 8);
        const expected = new Uint8Array(width * height * 3);
        toRgb(view, expected);
        expect(Buffer.compare(await convertToRgb(view), expected)).toBe(0);
      }
    },
  );

  it('copies the pixels before it returns, and answers concurrent calls each with its own', async () => {
    const view = rawImage('yuyv', 320, 240);
    const results: Promise<Uint8Array>[] = [];
    for (let level = 0; level < 6; level += 1) {
      view.data.fill(40 * level);
      results.push(convertToRgb(view));
    }
    view.data.fill(99);
    for (const [level, result] of results.entries()) {
      const expected = new Uint8Array(320 * 240 * 3);
      toRgb({ ...view, data: new Uint8Array(view.data.length).fill(40 * level) }, expected);
      expect(Buffer.compare(await result, expected)).toBe(0);
    }
  });

  it('copies nothing for a reader of what is packed RGB already, and frees what it made of anything else', async () => {
    const packed = rawImage('rgb8', 320, 240);
    await withRgb(packed, (rgb) => {
      expect(rgb.buffer).toBe(packed.data.buffer);
      return Promise.resolve();
    });
    expect(packed.data.length).toBe(320 * 240 * 3);
    for (const other of [rawImage('bgr8', 320, 240), rawImage('rgb8', 320, 240, 4)]) {
      const expected = new Uint8Array(320 * 240 * 3);
      toRgb(other, expected);
      const kept = await withRgb(other, (rgb) => {
        expect(Buffer.compare(rgb, expected)).toBe(0);
        return Promise.resolve(rgb);
      });
      expect(kept.length).toBe(0);
    }
  });

  it('makes the same JPEG from every layout of an image, and leaves the image unchanged', async () => {
    const rgb = rawImage('rgb8', 320, 240);
    const expected = await encodeJpeg(rgb.data, 320, 240, 90);
    expect(Buffer.compare(await encodeViewJpeg(rgb, 90), expected)).toBe(0);
    const bgr = rgb.data.map((_, i) => rgb.data[i - (i % 3) + 2 - (i % 3)]!);
    expect(Buffer.compare(await encodeViewJpeg({ ...rgb, encoding: 'bgr8', data: bgr }, 90), expected)).toBe(
      0,
    );
    expect(rgb.data.length).toBe(320 * 240 * 3);
  });

  it('does not block the calling thread', async () => {
    await convertToRgb(rawImage('nv12', 640, 480));
    const view = rawImage('nv12', 3840, 2160);
    let isDone = false;
    const result = convertToRgb(view).then((rgb) => {
      isDone = true;
      return rgb;
    });
    let turns = 0;
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      turns += 1;
    }
    expect(turns).toBeGreaterThan(1);
    expect((await result).length).toBe(3840 * 2160 * 3);
  });
});
