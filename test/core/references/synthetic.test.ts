import { describe, expect, it } from 'vitest';
import { enlargeImage, noiseImage, swapRedAndBlue } from '../../../src/core/references/synthetic.ts';

const SIZE = { width: 10, height: 6 };

describe('noiseImage', () => {
  it('returns the same image for the same seed and a different one for another seed', () => {
    expect(noiseImage(SIZE, 7, 4)).toEqual(noiseImage(SIZE, 7, 4));
    expect(noiseImage(SIZE, 7, 4)).not.toEqual(noiseImage(SIZE, 8, 4));
  });

  it('draws squares of one color each', () => {
    const image = noiseImage(SIZE, 7, 4);
    const pixel = (x: number, y: number): number[] => [
      ...image.subarray((y * 10 + x) * 3, (y * 10 + x) * 3 + 3),
    ];
    expect(pixel(3, 3)).toEqual(pixel(0, 0));
    expect(pixel(4, 0)).not.toEqual(pixel(0, 0));
    expect(pixel(9, 5)).toEqual(pixel(8, 4));
  });
});

describe('enlargeImage and swapRedAndBlue', () => {
  it('enlarges by repeating pixels and crops to size', () => {
    const small = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const large = enlargeImage(small, { width: 2, height: 1 }, 2, { width: 3, height: 2 });
    const row = [1, 2, 3, 1, 2, 3, 4, 5, 6];
    expect([...large]).toEqual([...row, ...row]);
  });

  it('restores the image when red and blue are swapped twice', () => {
    const image = noiseImage(SIZE, 7, 1);
    expect([...swapRedAndBlue(Uint8Array.of(1, 2, 3, 4, 5, 6))]).toEqual([3, 2, 1, 6, 5, 4]);
    expect(swapRedAndBlue(swapRedAndBlue(image))).toEqual(image);
  });
});
