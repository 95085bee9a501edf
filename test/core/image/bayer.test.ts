import { expect, it } from 'vitest';
import { BAYER_ENCODINGS } from '../../../src/core/image/image-view.ts';
import { MOSAICS } from '../../../src/core/image/bayer.ts';
import { toRgb } from '../../../src/core/image/convert.ts';
import { distance, packedView } from './vectors.ts';

const WIDTH = 64;
const HEIGHT = 48;

/** A smooth image whose colors differ everywhere. */
const rgb = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH)];
  return [60 + 2 * x, 220 - 3 * y, 30 + x + y][i % 3]!;
});

it.each(BAYER_ENCODINGS)(
  '%s has the layout in its name: each letter is a sample of the first two rows',
  (encoding) => {
    const letters = encoding.slice('bayer_'.length, 'bayer_rggb'.length);
    const { bytes, high } = MOSAICS[encoding];
    const data = new Uint8Array(WIDTH * HEIGHT * bytes);
    for (let y = 0; y < HEIGHT; y++)
      for (let x = 0; x < WIDTH; x++) {
        const channel = 'rgb'.indexOf(letters[(y % 2) * 2 + (x % 2)]!);
        data[(y * WIDTH + x) * bytes + high] = rgb[(y * WIDTH + x) * 3 + channel]!;
      }
    const out = new Uint8Array(rgb.length);
    toRgb(packedView(encoding, WIDTH, HEIGHT, data), out);
    expect(distance(out, rgb).mean).toBeLessThan(0.5);
    expect(distance(out, rgb).max).toBeLessThan(8);
  },
);
