import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { corrupt, CORRUPTIONS, STRENGTHS, type Corruption } from '../../../src/core/corruption/corrupt.ts';
import type { Picture, Strength } from '../../../src/core/corruption/picture.ts';
import { createRandom } from '../../../src/core/random.ts';

interface Golden {
  readonly width: number;
  readonly height: number;
  readonly picture: readonly number[];
  readonly cases: readonly {
    readonly corruption: Exclude<Corruption, 'jpeg_compression'>;
    readonly strength: Strength;
    readonly pixels: readonly number[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('./golden/corruptions.json', import.meta.url), 'utf8'),
) as Golden;
const pure = CORRUPTIONS.filter((name) => name !== 'jpeg_compression');

/** A smooth picture with a few edges. */
function scene(width: number, height: number): Picture {
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i += 1) {
    const at = Math.floor(i / 3);
    const box = at % width > width / 3 && at % width < width / 2 ? 90 : 0;
    pixels[i] = 40 + box + 60 * (1 + Math.sin(at / 37 + (i % 3)));
  }
  return { width, height, pixels };
}

function distance(one: Picture, other: Picture): number {
  return one.pixels.reduce((sum, value, i) => sum + (value - other.pixels[i]!) ** 2, 0) / one.pixels.length;
}

describe('corruptions', () => {
  it.each(golden.cases)(
    '$corruption $strength is as NumPy and OpenCV have it',
    ({ corruption, strength, pixels }) => {
      const { width, height, picture } = golden;
      const image = { width, height, pixels: Uint8Array.from(picture) };
      const made = corrupt(corruption, strength, image, createRandom(1));
      // halves are rounded in another way
      made.pixels.forEach((value, i) => expect(Math.abs(value - pixels[i]!)).toBeLessThanOrEqual(1));
    },
  );

  it.each(pure)('%s keeps size and input, repeats with its seed, and is strongest at last', (name) => {
    const image = scene(160, 40);
    const before = image.pixels.slice();
    const distances = STRENGTHS.map((strength) => {
      const made = corrupt(name, strength, image, createRandom(5));
      expect(made).toMatchObject({ width: 160, height: 40 });
      expect(made.pixels).toHaveLength(before.length);
      expect(corrupt(name, strength, image, createRandom(5)).pixels).toEqual(made.pixels);
      return distance(image, made);
    });
    expect(image.pixels).toEqual(before);
    expect(distances[0]).toBeGreaterThan(0);
    // colors get paler in two strengths, and louder in three
    const first = name === 'saturate' ? 2 : 0;
    expect(distances[4]).toBeGreaterThan(distances[first]!);
  });

  it('have the noise that their strength says', () => {
    const gray = { width: 200, height: 100, pixels: new Uint8Array(60_000).fill(128) };
    const spread = (name: 'gaussian_noise' | 'shot_noise' | 'speckle_noise'): number =>
      Math.sqrt(distance(gray, corrupt(name, 3, gray, createRandom(2))));
    expect(spread('gaussian_noise')).toBeCloseTo(0.035 * 255, 0);
    expect(spread('shot_noise')).toBeCloseTo(255 * Math.sqrt(128 / 255 / 200), 0);
    expect(spread('speckle_noise')).toBeCloseTo(0.08 * 128, 0);
  });
});
