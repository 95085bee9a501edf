import { expect, it } from 'vitest';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import { decodeToRgb } from '../../../src/device/imaging/decode-image.ts';
import { encodeJpeg } from '../../../src/device/imaging/encode-image.ts';
import { SharpLetterboxer } from '../../../src/device/imaging/sharp-letterbox.ts';

const WIDTH = 640;
const HEIGHT = 360;
const MEBIBYTE = 1 << 20;

/** Growth of resident memory over `rounds` calls, after the same number of calls to fill pools and caches. */
async function growth(rounds: number, once: () => Promise<unknown>): Promise<number> {
  for (let round = 0; round < rounds; round += 1) await once();
  const before = process.memoryUsage.rss();
  for (let round = 0; round < rounds; round += 1) await once();
  return process.memoryUsage.rss() - before;
}

const data = new Uint8Array(WIDTH * HEIGHT * 3).fill(90);

it('letterboxing frame after frame does not leak memory', async () => {
  const letterbox = letterboxFor(WIDTH, HEIGHT, 416, 416, 'top-left');
  const letterboxer = new SharpLetterboxer();
  const out = new Uint8Array(416 * 416 * 3);
  const image = { width: WIDTH, height: HEIGHT, encoding: 'rgb8', step: WIDTH * 3, data } as const;
  // Each result is 285 KiB: 600 that are never freed would be 167 MiB.
  expect(
    await growth(600, () => letterboxer.run(image, letterbox, { padValue: 114, resize: 'bilinear' }, out)),
  ).toBeLessThan(80 * MEBIBYTE);
});

it('encoding and decoding do not leak memory', async () => {
  const once = async (): Promise<void> => {
    const jpeg = await encodeJpeg(data, WIDTH, HEIGHT, 90);
    await decodeToRgb({ format: 'jpeg', data: jpeg });
  };
  // Each decoded image is 675 KiB: 300 would be 198 MiB.
  expect(await growth(300, once)).toBeLessThan(100 * MEBIBYTE);
});
