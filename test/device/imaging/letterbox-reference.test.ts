import { describe, expect, it } from 'vitest';
import { PIXEL_ENCODINGS, type ImageView, type PixelEncoding } from '../../../src/core/image/image-view.ts';
import { planeRows } from '../../../src/core/image/layout.ts';
import { rowBytes } from '../../support/row-bytes.ts';
import { letterboxFor, type Letterbox } from '../../../src/core/image/letterbox.ts';
import { LetterboxResizer } from '../../../src/core/image/resize.ts';
import { encodePng } from '../../../src/device/imaging/encode-image.ts';
import { SharpLetterboxer } from '../../../src/device/imaging/sharp-letterbox.ts';
import { rawImage } from '../pipeline/fakes.ts';

const PAD = 114;
/** libvips rounds once per axis with weights in 4096ths; the reference rounds once in total */
const MAX_LEVELS_APART = 2;
const MEAN_LEVELS_APART = 0.5;
/** when an image grows, libvips shifts it half an output pixel to the lower right of the reference */
const MEAN_LEVELS_APART_GROWN = 4;

/** Waves, not noise: they reveal a shift by half a pixel, but not rounding. */
function waves(encoding: PixelEncoding, width: number, height: number, padding: number): ImageView {
  const image = rawImage(encoding, width, height, padding);
  for (let i = 0; i < image.data.length; i++) {
    const [x, y] = [i % image.step, Math.floor(i / image.step)];
    image.data[i] = 128 + 90 * Math.sin(x / 17) * Math.cos(y / 11);
  }
  // bytes after the end of a row do not belong to the image
  if (planeRows(encoding, height) === height)
    for (let y = 0; y < height; y++)
      image.data.fill(255, y * image.step + rowBytes(encoding, width), (y + 1) * image.step);
  return image;
}

function referenceOf(image: ImageView, letterbox: Letterbox): Uint8Array {
  const out = new Uint8Array(letterbox.inputWidth * letterbox.inputHeight * 3);
  new LetterboxResizer(letterbox, 'antialias', PAD).resize(image, out);
  return out;
}

async function sharpOf(
  image: Parameters<SharpLetterboxer['run']>[0],
  letterbox: Letterbox,
  letterboxer = new SharpLetterboxer(),
): Promise<Uint8Array> {
  const out = new Uint8Array(letterbox.inputWidth * letterbox.inputHeight * 3).fill(7);
  await letterboxer.run(image, letterbox, { padValue: PAD, resize: 'average' }, out);
  return out;
}

function apart(a: Uint8Array, b: Uint8Array): { most: number; mean: number } {
  expect(a.length).toBe(b.length);
  let most = 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    most = Math.max(most, difference);
    sum += difference;
  }
  return { most, mean: sum / a.length };
}

type Size = readonly [width: number, height: number];

const WIDE: Size = [320, 180];
const TALL: Size = [90, 200];
const SMALL: Size = [40, 30];

describe('SharpLetterboxer against the resizer of the core', () => {
  const cases = PIXEL_ENCODINGS.flatMap((encoding) =>
    [WIDE, TALL].flatMap((size) => [0, 2, 6].map((padding) => ({ encoding, size, padding }))),
  );

  it.each(cases)('$encoding, $size, $padding bytes behind each row', async ({ encoding, size, padding }) => {
    const image = waves(encoding, ...size, padding);
    for (const anchor of ['top-left', 'center'] as const) {
      const letterbox = letterboxFor(...size, 96, 96, anchor);
      const { most, mean } = apart(await sharpOf(image, letterbox), referenceOf(image, letterbox));
      expect(most).toBeLessThanOrEqual(MAX_LEVELS_APART);
      expect(mean).toBeLessThanOrEqual(MEAN_LEVELS_APART);
    }
  });

  it.each(['rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8'] as const)(
    '%s with odd sides and an odd step',
    async (encoding) => {
      const image = waves(encoding, 151, 87, 5);
      const letterbox = letterboxFor(151, 87, 64, 64, 'top-left');
      const { most } = apart(await sharpOf(image, letterbox), referenceOf(image, letterbox));
      expect(most).toBeLessThanOrEqual(MAX_LEVELS_APART);
    },
  );

  it.each(PIXEL_ENCODINGS)('%s that grows', async (encoding) => {
    const image = waves(encoding, ...SMALL, 2);
    const letterbox = letterboxFor(...SMALL, 96, 96, 'center');
    const { mean } = apart(await sharpOf(image, letterbox), referenceOf(image, letterbox));
    expect(mean).toBeLessThanOrEqual(MEAN_LEVELS_APART_GROWN);
  });

  it('one instance for one image after another, of other sizes and encodings', async () => {
    const letterboxer = new SharpLetterboxer();
    for (const encoding of ['nv12', 'rgba8', 'yuyv', 'rgb8', 'i420'] as const) {
      for (const [width, height] of [WIDE, TALL]) {
        const image = waves(encoding, width, height, 2);
        const letterbox = letterboxFor(width, height, 64, 64, 'center');
        const got = await sharpOf(image, letterbox, letterboxer);
        expect(apart(got, referenceOf(image, letterbox)).most).toBeLessThanOrEqual(MAX_LEVELS_APART);
      }
    }
  });

  it('PNG that shrinks', async () => {
    const rgb = waves('rgb8', ...WIDE, 0);
    const letterbox = letterboxFor(...WIDE, 96, 96, 'top-left');
    const png = { format: 'png', data: await encodePng(rgb.data, ...WIDE) } as const;
    const { most } = apart(await sharpOf(png, letterbox), referenceOf(rgb, letterbox));
    expect(most).toBeLessThanOrEqual(MAX_LEVELS_APART);
  });

  it('refuses an image with more pixels than its header stated', async () => {
    const png = { format: 'png', data: await encodePng(waves('rgb8', ...WIDE, 0).data, ...WIDE) } as const;
    await expect(sharpOf(png, letterboxFor(32, 18, 64, 64, 'top-left'))).rejects.toThrow(/pixel/);
  });
});
