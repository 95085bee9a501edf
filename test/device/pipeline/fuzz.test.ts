import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Frame, FrameEnvelope, Stamp } from '../../../src/core/frame.ts';
import { PIXEL_ENCODINGS, type CompressedView, type ImageView } from '../../../src/core/image/image-view.ts';
import { EnvelopeMaker } from '../../../src/device/pipeline/frame/envelope.ts';
import { encodeJpeg, encodePng } from '../../../src/device/imaging/encode-image.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { FakeEngine, MANIFEST, rawImage, settle } from './fakes.ts';

const FRAMES = 12_000;
const SIDES = [0, 1, 2, 3, 7, 16, 33, 64, 8192, -4, 1.5, Number.NaN, 2 ** 31];
const STEPS = [0, -1, 1, 0.5, Number.NaN, 2 ** 40];

/** Marsaglia's xorshift, so that a failure can be reproduced. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

function lie(dice: Dice, honest: ImageView): ImageView {
  const cut = honest.data.subarray(0, dice.below(honest.data.length + 1));
  return dice.pick<ImageView>([
    { ...honest, width: dice.pick(SIDES) },
    { ...honest, height: dice.pick(SIDES) },
    { ...honest, step: dice.pick(STEPS) },
    { ...honest, data: cut },
    { ...honest, width: 8192, height: 8192 },
    { ...honest, encoding: dice.pick(PIXEL_ENCODINGS) },
  ]);
}

function randomImage(dice: Dice): ImageView {
  const even = 2 * (1 + dice.below(40));
  const encoding = dice.pick(PIXEL_ENCODINGS);
  const honest = rawImage(encoding, even, 2 * (1 + dice.below(30)), 2 * dice.below(5));
  return dice.chance(35) ? lie(dice, honest) : honest;
}

function damaged(dice: Dice, whole: CompressedView): CompressedView {
  const data = new Uint8Array(whole.data);
  switch (dice.below(5)) {
    case 0:
      return { ...whole, data: data.subarray(0, dice.below(data.length)) };
    case 1:
      for (let i = 0; i < 20; i++) data[dice.below(data.length)] = dice.below(256);
      return { ...whole, data };
    case 2:
      return { ...whole, data: Uint8Array.from(data, () => dice.below(256)) };
    case 3:
      return {
        format: dice.pick(['jpeg', 'png']),
        data: new TextEncoder().encode('<svg width="9" height="9"/>'),
      };
    default:
      return { format: dice.pick(['jpeg', 'png']), data };
  }
}

/** A PNG header that claims 60000 x 60000 pixels in a file of a few bytes. */
function bomb(png: CompressedView): CompressedView {
  const data = new Uint8Array(png.data);
  new DataView(data.buffer).setUint32(16, 60_000);
  new DataView(data.buffer).setUint32(20, 60_000);
  return { format: 'png', data };
}

function stampFor(dice: Dice, index: number): Stamp {
  const honest = { sec: 1_700_000_000 + Math.floor(index / 30), nanosec: (index % 30) * 33_000_000 };
  if (dice.chance(90)) return honest;
  return dice.pick<Stamp>([
    { sec: 0, nanosec: 0 },
    { sec: honest.sec - 100, nanosec: 0 },
    { sec: honest.sec + 1_000_000, nanosec: 5 },
    { sec: -(2 ** 31), nanosec: 999_999_999 },
    { sec: honest.sec, nanosec: 0 },
  ]);
}

/**
 * What happened to each frame, recorded where frames are offered and where results arrive: each is published at most
 * once, and never after it was refused.
 */
class Fates {
  readonly #open = new Set<string>();
  offered = 0;
  published = 0;

  offer(pipeline: FramePipeline, frame: Frame): void {
    const name = nameOf(frame.envelope);
    this.offered += 1;
    this.#open.add(name);
    if (pipeline.offer(frame) !== null) this.#open.delete(name);
  }

  publish(envelope: FrameEnvelope): void {
    expect(this.#open.delete(nameOf(envelope)), `${nameOf(envelope)} is published once`).toBe(true);
    this.published += 1;
  }
}

function nameOf({ camera, sequence }: FrameEnvelope): string {
  return `${camera} ${String(sequence)}`;
}

describe('fuzzed frames', () => {
  const rejections: unknown[] = [];
  const note = (reason: unknown): void => {
    rejections.push(reason);
  };

  beforeEach(() => {
    process.on('unhandledRejection', note);
  });

  afterEach(() => {
    process.off('unhandledRejection', note);
  });

  it(
    'are each published or counted under a reason, and the pipeline keeps running',
    { timeout: 120_000 },
    async () => {
      const dice = new Dice(20_260_101);
      const fates = new Fates();
      const pixels = rawImage('rgb8', 48, 36).data;
      const jpeg: CompressedView = { format: 'jpeg', data: await encodeJpeg(pixels, 48, 36, 80) };
      const png: CompressedView = { format: 'png', data: await encodePng(pixels, 48, 36) };
      const names = ['a', 'b', 'c'];
      const engine = new FakeEngine(2);
      engine.acceptsRaw = true;
      const pipeline = new FramePipeline({
        engine,
        manifest: MANIFEST,
        cameras: names.map((name) => ({ name })),
        tracking: true,
        stamps: { staleMs: 0, futureMs: 0 },
        sinks: [
          { name: 'publisher', wantsPixels: () => true, deliver: ({ envelope }) => fates.publish(envelope) },
        ],
      });
      await pipeline.start();
      pipeline.activate();
      const makers = names.map((name) => new EnvelopeMaker(name));
      const law = (): void => {
        const { received, published, inFlight, drops } = pipeline.counts();
        const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
        // counted from the frames themselves: the ledger changes two counts at a time, so their sum proves nothing
        expect(received).toBe(fates.offered);
        expect(published).toBe(fates.published);
        expect(inFlight).toBe(pipeline.framesInFlight);
        expect(dropped).toBe(fates.offered - fates.published - pipeline.framesInFlight);
      };
      for (let i = 0; i < FRAMES; i++) {
        let image: Frame['image'] = randomImage(dice);
        if (dice.chance(12))
          image = dice.chance(30) ? dice.pick([jpeg, png]) : damaged(dice, dice.pick([jpeg, png]));
        if (dice.chance(2)) image = bomb(png);
        fates.offer(pipeline, { envelope: dice.pick(makers).next(stampFor(dice, i), 'camera'), image });
        law();
        if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await settle(() => pipeline.framesInFlight === 0);
      law();
      // the cameras' stamps start over, and valid frames still pass
      const before = pipeline.counts().published;
      for (let i = 0; i < 40 && pipeline.counts().published < before + 5; i++) {
        const stamp = { sec: 1_900_000_000 + i, nanosec: 0 };
        fates.offer(pipeline, {
          envelope: makers[0]!.next(stamp, 'camera'),
          image: rawImage('bgr8', 40, 30),
        });
        await settle(() => pipeline.framesInFlight === 0);
      }
      expect(pipeline.counts().published).toBeGreaterThanOrEqual(before + 5);
      await pipeline.close();
      law();
      const { received, published, inFlight, drops } = pipeline.counts();
      expect(received).toBeGreaterThan(FRAMES);
      expect(inFlight).toBe(0);
      // how many are superseded depends on how busy the machine is
      expect(published).toBeGreaterThan(100);
      for (const reason of [
        'malformed',
        'bad_size',
        'corrupt_image',
        'stamp_repeated',
        'stamp_regressed',
      ] as const)
        expect(drops[reason], reason).toBeGreaterThan(0);
      expect(drops.inference_failed, 'no letterbox buffer leaked').toBeUndefined();
      expect(rejections).toEqual([]);
    },
  );
});
