import { describe, expect, it } from 'vitest';
import type { ImageView } from '../../../src/core/image/image-view.ts';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import { LetterboxResizer } from '../../../src/core/image/resize.ts';
import { SharpLetterboxer } from '../../../src/device/imaging/sharp-letterbox.ts';

const CHANNELS = { rgb8: 3, bgr8: 3, mono8: 1 } as const;

/** A three-pixel checkerboard under a slow wave: averaging yields other values than sampling. */
function image(
  width: number,
  height: number,
  encoding: keyof typeof CHANNELS,
  bytesBetween: number,
): ImageView {
  const channels = CHANNELS[encoding];
  const step = width * channels + bytesBetween;
  const data = new Uint8Array(step * height).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const check = (Math.floor(x / 3) + Math.floor(y / 3)) % 2 === 0 ? 60 : 0;
        data[y * step + x * channels + c] = Math.round(90 + check + 60 * Math.sin(x / 17 + y / 11 + c));
      }
    }
  }
  return { width, height, encoding, step, data };
}

describe('letterbox of a raw image for a network trained with bilinear scaling', () => {
  it.each([
    [1280, 720, 'rgb8', 0],
    [640, 480, 'bgr8', 0],
    [333, 500, 'mono8', 0],
    // a step that is not a whole number of pixels, and one that is
    [641, 427, 'rgb8', 5],
    [640, 480, 'bgr8', 192],
    [416, 416, 'rgb8', 0],
    // grows
    [64, 48, 'bgr8', 8],
  ] as const)(
    '%d x %d %s is sampled as in OpenCV, within one gray level',
    async (width, height, encoding, gap) => {
      for (const anchor of ['top-left', 'center'] as const) {
        const view = image(width, height, encoding, gap);
        const letterbox = letterboxFor(width, height, 416, 416, anchor);
        const out = new Uint8Array(416 * 416 * 3);
        await new SharpLetterboxer().run(view, letterbox, { padValue: 114, resize: 'bilinear' }, out);
        const expected = new Uint8Array(out.length);
        new LetterboxResizer(letterbox, 'bilinear').resize(view, expected);
        const worst = out.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
        expect(worst).toBeLessThanOrEqual(1);
      }
    },
  );
});
