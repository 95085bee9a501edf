import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BoxAgreement } from '../../../src/core/drift/box-agreement.ts';
import { FEATURES, IMAGE_FEATURES } from '../../../src/core/drift/features.ts';
import { BLOCK, BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import { FrameStatistics } from '../../../src/core/drift/frame-statistics.ts';
import { PatchSampler, type FramePixels } from '../../../src/core/drift/patch-sampler.ts';
import { letterboxFor, type Letterbox } from '../../../src/core/image/letterbox.ts';
import { LetterboxResizer } from '../../../src/core/image/resize.ts';
import { IMAGE_KINDS, syntheticImage } from './synthetic-image.ts';

const GOLDEN = z
  .object({
    images: z.array(
      z.object({
        kind: z.enum(IMAGE_KINDS),
        width: z.int(),
        height: z.int(),
        spacing: z.number(),
        features: z.record(z.string(), z.number()),
        directions: z.object({ roll: z.number(), streaks: z.number() }),
        roughness: z.array(z.number()),
        patches: z.array(z.number()),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('golden/statistics.json', import.meta.url), 'utf8')));

/** A letterbox without a border, for an image that is already of the network's size. */
function exactly(width: number, height: number, spacing: number): Letterbox {
  const scaled = { scaledWidth: width, scaledHeight: height, inputWidth: width, inputHeight: height };
  const source = { sourceWidth: width * spacing, sourceHeight: height * spacing };
  return { ...source, ...scaled, padX: 0, padY: 0, scale: 1 / spacing };
}

function measure(frame: FramePixels, statistics = new FrameStatistics()): Float32Array {
  const block = new Float32Array(BLOCK_FLOATS).fill(NaN);
  statistics.measure(frame, new BoxAgreement(), block);
  return block;
}

const featuresOf = (block: Float32Array): Record<string, number> =>
  Object.fromEntries(IMAGE_FEATURES.map((name, i) => [name, block[i] ?? NaN]));

function letterboxed(pixels: Uint8Array, letterbox: Letterbox): FramePixels {
  return { layout: 'letterboxed', pixels, step: letterbox.inputWidth * 3, letterbox, averages: false };
}

describe('features of an image', () => {
  it.each(GOLDEN.images)('are those of numpy and OpenCV: $kind, $width x $height', (golden) => {
    const { kind, width, height, spacing } = golden;
    const pixels = syntheticImage(kind, width, height, spacing);
    const block = measure(letterboxed(pixels, exactly(width, height, spacing)));
    for (const [name, value] of Object.entries(featuresOf(block))) {
      const expected = golden.features[name] ?? NaN;
      expect(Math.abs(value - expected), `${name} is ${value}, not ${expected}`).toBeLessThan(
        1e-6 + 1e-5 * expected,
      );
    }
    const patches = [0, 17, 300, 575].map((patch) => block[BLOCK.patches + patch] ?? NaN);
    patches.forEach((patch, i) => expect(patch).toBeCloseTo(golden.patches[i] ?? NaN, 3));
    const roughness = [0, 17, 300, 575].map((patch) => block[BLOCK.roughness + patch] ?? NaN);
    roughness.forEach((one, i) => expect(one).toBeCloseTo(golden.roughness[i] ?? NaN, 3));
    expect(block[BLOCK.roll]).toBeCloseTo(golden.directions.roll, 5);
    expect(block[BLOCK.streaks]).toBeCloseTo(golden.directions.streaks, 5);
  });

  const frame = fc.record({
    width: fc.integer({ min: 1, max: 90 }),
    height: fc.integer({ min: 1, max: 90 }),
    anchor: fc.constantFrom('top-left' as const, 'center' as const),
    layout: fc.constantFrom('letterboxed' as const, 'rgb8' as const, 'bgr8' as const),
    averages: fc.boolean(),
    seed: fc.integer({ min: 0, max: 255 }),
  });

  it('are numbers within their ranges, whatever the pixels and the size, and leave nothing unwritten', () => {
    const statistics = new FrameStatistics();
    fc.assert(
      fc.property(frame, ({ width, height, anchor, layout, averages, seed }) => {
        const letterbox = letterboxFor(width, height, 64, 48, anchor);
        const bytes = layout === 'letterboxed' ? 64 * 48 * 3 : width * height * 3;
        const pixels = Uint8Array.from(
          { length: bytes },
          (_, i) => (Math.imul(i + 1, seed * 7919) >>> 5) & 255,
        );
        const step = layout === 'letterboxed' ? 64 * 3 : width * 3;
        const block = measure({ layout, pixels, step, letterbox, averages }, statistics);
        expect(block.every((value) => Number.isFinite(value))).toBe(true);
        IMAGE_FEATURES.forEach((name, i) => {
          const [lowest, highest] = FEATURES[name].range;
          expect(block[i], name).toBeGreaterThanOrEqual(lowest);
          expect(block[i], name).toBeLessThanOrEqual(highest);
        });
      }),
    );
  });

  it('do not depend on the border of the letterbox', () => {
    const letterbox = letterboxFor(320, 180, 96, 96, 'center');
    const pixels = syntheticImage('texture', 96, 96);
    const before = measure(letterboxed(pixels, letterbox));
    pixels.fill(255, 0, letterbox.padY * 96 * 3);
    expect(measure(letterboxed(pixels, letterbox))).toEqual(before);
  });

  it('are the same for a frame in RGB and in BGR, and with padded rows', () => {
    const letterbox = letterboxFor(200, 100, 96, 96, 'top-left');
    const rgb = syntheticImage('noise', 200, 100);
    const bgr = new Uint8Array(100 * 640);
    for (let y = 0; y < 100; y++)
      for (let x = 0; x < 200; x++)
        for (let c = 0; c < 3; c++) bgr[y * 640 + x * 3 + c] = rgb[(y * 200 + x) * 3 + 2 - c] ?? 0;
    const inBgr = measure({ layout: 'bgr8', pixels: bgr, step: 640, letterbox, averages: false });
    expect(measure({ layout: 'rgb8', pixels: rgb, step: 600, letterbox, averages: false })).toEqual(inBgr);
  });
});

describe('a raw frame', () => {
  const size = { width: 320, height: 180 };
  const letterbox = letterboxFor(size.width, size.height, 128, 128, 'top-left');
  /** smooth, as cameras see the world: noise of single pixels survives no two resizes alike */
  const pixels = Uint8Array.from(
    { length: size.width * size.height * 3 },
    (_, i) => 128 + 90 * Math.sin(((i / 3) % size.width) / 7) * Math.cos(i / 3 / size.width / 9 + (i % 3)),
  );
  const view = { ...size, encoding: 'rgb8', step: size.width * 3, data: pixels } as const;

  it('is sampled as a bilinear resize computes it, within a gray level', () => {
    const out = new Uint8Array(128 * 128 * 3);
    new LetterboxResizer(letterbox, 'bilinear').resize(view, out);
    const [raw, resized] = [new PatchSampler(), new PatchSampler()];
    raw.sample({ layout: 'rgb8', pixels, step: size.width * 3, letterbox, averages: false });
    resized.sample(letterboxed(out, letterbox));
    raw.rgb.forEach((value, i) => expect(Math.abs(value - (resized.rgb[i] ?? NaN))).toBeLessThanOrEqual(1));
  });

  it('has nearly the features of the image that sharp averages', () => {
    const out = new Uint8Array(128 * 128 * 3);
    new LetterboxResizer(letterbox, 'antialias').resize(view, out);
    const averaged = featuresOf(measure(letterboxed(out, letterbox)));
    const raw = featuresOf(
      measure({ layout: 'rgb8', pixels, step: size.width * 3, letterbox, averages: true }),
    );
    for (const name of ['brightness', 'contrast', 'saturation', 'red_balance', 'blue_balance'])
      expect(raw[name], name).toBeCloseTo(averaged[name] ?? NaN, 2);
    for (const name of ['sharpness', 'entropy'])
      expect((raw[name] ?? NaN) / (averaged[name] ?? NaN), name).toBeCloseTo(1, 1);
  });
});
