import { describe, expect, it } from 'vitest';
import { PIXEL_ENCODINGS } from '../../../src/core/frame.ts';
import { toRgb } from '../../../src/core/image/convert.ts';
import { convertToRgb } from '../../../src/device/pipeline/color-converter.ts';
import { rawImage } from './fakes.ts';

describe('convertToRgb', () => {
  it.each(PIXEL_ENCODINGS)(
    'gives what toRgb gives for %s, large and small, with bytes after each row',
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

  it('copies the pixels before it returns, and answers many at once each with its own', async () => {
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

  it('leaves the thread that asks free while it works', async () => {
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
