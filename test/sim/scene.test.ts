import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLEAR_DAY, type Conditions } from '../../src/sim/drawing/conditions.ts';
import { SCENE_LABELS, type SceneObject } from '../../src/sim/labels.ts';
import { MAX_SCENES, MAX_SEED, renderSample, sceneSeed } from '../../src/sim/sample.ts';
import { SceneRenderer } from '../../src/sim/scene.ts';
import { renderFrame } from './render-frame.ts';
import { createWorld } from '../../src/sim/world.ts';

const WIDTH = 320;
const HEIGHT = 180;

function overlap(a: SceneObject['box'], b: SceneObject['box']): number {
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (w <= 0 || h <= 0) return 0;
  const area = (box: SceneObject['box']): number => (box[2] - box[0]) * (box[3] - box[1]);
  return (w * h) / (area(a) + area(b) - w * h);
}

function mean(rgb: Uint8Array): number {
  return rgb.reduce((sum, value) => sum + value, 0) / rgb.length;
}

/** Mean difference of neighbors in a row: blur reduces it, noise increases it. */
function roughness(rgb: Uint8Array): number {
  let sum = 0;
  for (let i = 3; i < rgb.length; i += 1) sum += Math.abs(rgb[i]! - rgb[i - 3]!);
  return sum / rgb.length;
}

function render(seed: number, change: Partial<Conditions> = {}): Uint8Array {
  return renderFrame(createWorld(seed), 3, WIDTH, HEIGHT, { ...CLEAR_DAY, noise: 0, ...change }).rgb;
}

/** Digests of scenes 0 to 2 of data set 2026 at 320x180; they change only together with SIMULATOR_VERSION. */
const GOLDEN = [
  '8eea3cb9df53cafbec9ed4e8d176315773e7cd63a47400d0b116fd92e9787189',
  'e51cd573b684a1e9e2baeb1e9007f90dd50c8935659f4d6c4282bb74ec8e4bcf',
  'e2f7c475d11ce300d1f6492a5bc8c65475ccdb43fe41ac4f924e5c38ed96586f',
];

describe('scenes', () => {
  it('have the same pixels and boxes for the same seed on every machine', () => {
    const renderer = new SceneRenderer(WIDTH, HEIGHT);
    const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
    const digests = GOLDEN.map((_, index) => {
      const { objects, conditions, time } = renderSample(renderer, 2026, index, {}, rgb);
      return createHash('sha256')
        .update(rgb)
        .update(JSON.stringify({ objects, conditions, time }))
        .digest('hex');
    });
    expect(digests).toEqual(GOLDEN);
  });

  it('depend only on the time, not on frames rendered before', () => {
    const renderer = new SceneRenderer(WIDTH, HEIGHT);
    const world = createWorld(5);
    const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
    for (let t = 0; t < 40; t += 3.7) renderer.render(world, t, CLEAR_DAY, rgb);
    const objects = renderer.render(world, 12.5, CLEAR_DAY, rgb);
    const fresh = renderFrame(createWorld(5), 12.5, WIDTH, HEIGHT, CLEAR_DAY);
    expect(Buffer.compare(rgb, fresh.rgb)).toBe(0);
    expect(objects).toEqual(fresh.objects);
  });

  it('move', () => {
    const a = renderFrame(createWorld(5), 1, WIDTH, HEIGHT, CLEAR_DAY).rgb;
    const b = renderFrame(createWorld(5), 1.5, WIDTH, HEIGHT, CLEAR_DAY).rgb;
    expect(Buffer.compare(a, b)).not.toBe(0);
  });

  it('keep every box inside the image, not empty, with a known label', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.double({ min: 0, max: 600, noNaN: true }),
        fc.integer({ min: 32, max: 300 }),
        fc.integer({ min: 32, max: 300 }),
        fc.double({ min: -30, max: 30, noNaN: true }),
        (seed, time, width, height, tilt) => {
          const frame = renderFrame(createWorld(seed), time, width, height, { ...CLEAR_DAY, tilt });
          for (const { box, label, classIndex, visible } of frame.objects) {
            const [x1, y1, x2, y2] = box;
            expect(x1 >= 0 && y1 >= 0 && x2 <= width && y2 <= height && x1 < x2 && y1 < y2).toBe(true);
            expect(SCENE_LABELS[classIndex]).toBe(label);
            expect(visible > 0 && visible <= 1).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('scale boxes with the image', () => {
    let compared = 0;
    for (let seed = 0; seed < 12; seed += 1) {
      const small = renderFrame(createWorld(seed), 2, 640, 360, CLEAR_DAY).objects;
      const large = renderFrame(createWorld(seed), 2, 1280, 720, CLEAR_DAY).objects;
      for (const { label, box } of small) {
        if ((box[2] - box[0]) * (box[3] - box[1]) < 900) continue;
        const doubled = box.map((value) => value * 2) as unknown as SceneObject['box'];
        const best = Math.max(
          ...large.filter((one) => one.label === label).map((one) => overlap(doubled, one.box)),
        );
        expect(best).toBeGreaterThan(0.85);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(30);
  });

  it('show every class often enough to be learned', () => {
    const renderer = new SceneRenderer(WIDTH, HEIGHT);
    const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
    const counts = new Map<string, number>();
    for (let i = 0; i < 60; i += 1) {
      for (const { label } of renderSample(renderer, 1, i, {}, rgb).objects) {
        counts.set(label, (counts.get(label) ?? 0) + 1);
      }
    }
    for (const label of SCENE_LABELS) expect(counts.get(label) ?? 0, label).toBeGreaterThanOrEqual(12);
  });

  it('follow the knobs', () => {
    expect(mean(render(3, { light: 0 }))).toBeLessThan(mean(render(3, { light: 0.5 })));
    expect(mean(render(3, { light: 0.5 }))).toBeLessThan(mean(render(3)));
    expect(roughness(render(3, { fog: 1 }))).toBeLessThan(roughness(render(3)));
    expect(roughness(render(3, { blur: 1 }))).toBeLessThan(roughness(render(3, { blur: 0.4 })));
    expect(roughness(render(3, { noise: 0.5 }))).toBeLessThan(roughness(render(3, { noise: 1 })));
    for (const change of [{ rain: 0.5 }, { dirt: 0.5 }, { tilt: 5 }]) {
      expect(Buffer.compare(render(3, change), render(3))).not.toBe(0);
    }
  });

  it('refuse sizes outside the range', () => {
    for (const [width, height] of [
      [31, 100],
      [100, 1921],
      [100.5, 100],
      [Number.NaN, 100],
    ] as const) {
      expect(() => new SceneRenderer(width, height)).toThrow(RangeError);
    }
  });
});

describe('sceneSeed', () => {
  it('never shares a scene between two data sets', () => {
    const seed = fc.nat(MAX_SEED - 1);
    const index = fc.nat(MAX_SCENES - 1);
    fc.assert(
      fc.property(seed, index, seed, index, (s1, i1, s2, i2) => {
        fc.pre(s1 !== s2 || i1 !== i2);
        expect(sceneSeed(s1, i1)).not.toBe(sceneSeed(s2, i2));
        expect(Number.isSafeInteger(sceneSeed(s1, i1))).toBe(true);
      }),
    );
    expect(Number.isSafeInteger(sceneSeed(MAX_SEED - 1, MAX_SCENES - 1))).toBe(true);
  });
});
