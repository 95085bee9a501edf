import { describe, expect, it } from 'vitest';
import { PIXEL_ENCODINGS, type CompressedView, type ImageView } from '../../../src/core/image/image-view.ts';
import { toRgb } from '../../../src/core/image/convert.ts';
import { letterboxFor, type Letterbox } from '../../../src/core/image/letterbox.ts';
import { encodeJpeg, encodePng } from '../../../src/device/imaging/encode-image.ts';
import { SharpLetterboxer } from '../../../src/device/imaging/sharp-letterbox.ts';
import { sharp } from '../../../src/device/imaging/sharp-setup.ts';
import { rawImage } from '../pipeline/fakes.ts';

const PAD = 77;
const STYLE = { padValue: PAD, resize: 'bilinear' } as const;

async function letterboxed(image: ImageView | CompressedView, letterbox: Letterbox): Promise<Uint8Array> {
  const out = new Uint8Array(letterbox.inputWidth * letterbox.inputHeight * 3).fill(9);
  await new SharpLetterboxer().run(image, letterbox, STYLE, out);
  return out;
}

/** A smooth image: the result of a resize hardly depends on the kernel. */
function gradient(width: number, height: number): ImageView {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      data[at] = Math.round((x / (width - 1)) * 255);
      data[at + 1] = Math.round((y / (height - 1)) * 255);
      data[at + 2] = 40;
    }
  }
  return { width, height, encoding: 'rgb8', step: width * 3, data };
}

function pixelAt(out: Uint8Array, box: Letterbox, x: number, y: number): number[] {
  const at = (y * box.inputWidth + x) * 3;
  return [...out.subarray(at, at + 3)];
}

describe('SharpLetterboxer', () => {
  it('without scaling, equals the color conversion of the core, for every encoding and row padding', async () => {
    for (const encoding of PIXEL_ENCODINGS) {
      for (const padding of [0, 2, 6]) {
        const image = rawImage(encoding, 32, 24, padding);
        const expected = new Uint8Array(32 * 24 * 3);
        toRgb(image, expected);
        const out = await letterboxed(image, letterboxFor(32, 24, 32, 24, 'top-left'));
        expect(out, `${encoding}, rows padded by ${padding}`).toEqual(expected);
      }
    }
  });

  it.each(['top-left', 'center'] as const)(
    'places the image and fills the border, anchor %s',
    async (anchor) => {
      for (const [width, height] of [
        [128, 48],
        [48, 128],
        [64, 64],
        [20, 10],
      ] as const) {
        const box = letterboxFor(width, height, 64, 64, anchor);
        const out = await letterboxed(gradient(width, height), box);
        let wrong = 0;
        for (let y = 0; y < 64; y++) {
          for (let x = 0; x < 64; x++) {
            const isInside =
              x >= box.padX &&
              x < box.padX + box.scaledWidth &&
              y >= box.padY &&
              y < box.padY + box.scaledHeight;
            const [red, green, blue] = pixelAt(out, box, x, y);
            const isPad = red === PAD && green === PAD && blue === PAD;
            if (isInside ? blue !== 40 : !isPad) wrong += 1;
          }
        }
        expect(wrong, `${width}x${height}`).toBe(0);
        const right = pixelAt(out, box, box.padX + box.scaledWidth - 1, box.padY)[0];
        const bottom = pixelAt(out, box, box.padX, box.padY + box.scaledHeight - 1)[1];
        expect(right).toBeGreaterThan(240);
        expect(bottom).toBeGreaterThan(235);
      }
    },
  );

  it('returns RGB for bgr8 after scaling, as for the same image in rgb8', async () => {
    const rgb = gradient(100, 60);
    const swapped = Uint8Array.from(rgb.data, (_, i) => rgb.data[i - (i % 3) + 2 - (i % 3)]!);
    const box = letterboxFor(100, 60, 64, 64, 'top-left');
    const bgr: ImageView = { ...rgb, encoding: 'bgr8', data: swapped };
    expect(await letterboxed(bgr, box)).toEqual(await letterboxed(rgb, box));
  });

  it('reads PNG exactly, and JPEG nearly, in color, gray and with transparency', async () => {
    const { data } = gradient(64, 64);
    const box = letterboxFor(64, 64, 64, 64, 'top-left');
    const png: CompressedView = { format: 'png', data: await encodePng(data, 64, 64) };
    expect(await letterboxed(png, box)).toEqual(new Uint8Array(data));
    const jpeg: CompressedView = { format: 'jpeg', data: await encodeJpeg(data, 64, 64, 95) };
    const fromJpeg = await letterboxed(jpeg, box);
    expect(Math.max(...fromJpeg.map((value, i) => Math.abs(value - data[i]!)))).toBeLessThan(12);
    const gray = sharp(data, { raw: { width: 64, height: 64, channels: 3 } }).grayscale();
    for (const bytes of [await gray.clone().jpeg().toBuffer(), await gray.clone().png().toBuffer()]) {
      const format = bytes[0] === 0xff ? 'jpeg' : 'png';
      const out = await letterboxed({ format, data: bytes }, box);
      const [red, green, blue] = pixelAt(out, box, 50, 10);
      expect(red).toBe(green);
      expect(red).toBe(blue);
      expect(red).toBeGreaterThan(20);
    }
    const seeThrough = await sharp(data, { raw: { width: 64, height: 64, channels: 3 } })
      .ensureAlpha(0.5)
      .png()
      .toBuffer();
    const out = await letterboxed({ format: 'png', data: seeThrough }, box);
    expect(pixelAt(out, box, 50, 10)[2]).toBeCloseTo(40, -1);
  });

  it('rejects a truncated JPEG without affecting the next image', async () => {
    const { data } = gradient(64, 64);
    const whole = await encodeJpeg(data, 64, 64, 90);
    const letterboxer = new SharpLetterboxer();
    const box = letterboxFor(64, 64, 32, 32, 'top-left');
    const out = new Uint8Array(32 * 32 * 3);
    const cut: CompressedView = { format: 'jpeg', data: whole.subarray(0, whole.length / 2) };
    await expect(letterboxer.run(cut, box, STYLE, out)).rejects.toThrow();
    await letterboxer.run({ format: 'jpeg', data: whole }, box, STYLE, out);
    expect(out[2]).toBeGreaterThan(20);
  });
});
