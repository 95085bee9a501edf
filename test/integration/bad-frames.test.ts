import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DropReason } from '../../src/contract/drops.ts';
import type { CompressedView, ImageView } from '../../src/core/image/image-view.ts';
import type { Bundle } from '../../src/model/bundle.ts';
import { createEngine } from '../../src/device/inference/create-engine.ts';
import { encodeJpeg, encodePng } from '../../src/device/imaging/encode-image.ts';
import { EnvelopeMaker } from '../../src/device/pipeline/frame/envelope.ts';
import { FramePipeline } from '../../src/device/pipeline/pipeline.ts';
import { rawImage } from '../device/pipeline/fakes.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

/** Real engines, one frame at a time, so that each frame's outcome is known in advance. */

let folder = '';
let bundle: Bundle;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-bad-frames-'));
  bundle = await writeTinyBundle(folder);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

type Image = ImageView | CompressedView;

const SIDE = 64;

function black(encoding: 'rgb8' | 'mono8'): ImageView {
  const image = rawImage(encoding, SIDE, SIDE);
  return { ...image, data: new Uint8Array(image.data.length) };
}

/** Images and their outcome; `null` is published. Created for each run, because the pipeline owns them. */
async function pictures(): Promise<(readonly [Image, DropReason | null])[]> {
  const pixels = rawImage('rgb8', SIDE, SIDE);
  const jpeg = await encodeJpeg(pixels.data, SIDE, SIDE, 90);
  const png = await encodePng(pixels.data, SIDE, SIDE);
  const bomb = new Uint8Array(png);
  new DataView(bomb.buffer).setUint32(16, 60_000);
  new DataView(bomb.buffer).setUint32(20, 60_000);
  const empty = png.indexOf(0x49, 24);
  const noise = Uint8Array.from(png, (byte, at) => (at < empty + 8 ? byte : (at * 37) & 255));
  return [
    [rawImage('rgb8', SIDE, SIDE), null],
    [black('rgb8'), 'invalid_output'],
    [rawImage('bgr8', 80, 60, 3), null],
    [{ format: 'jpeg', data: jpeg }, null],
    [{ format: 'jpeg', data: jpeg.subarray(0, jpeg.length / 2) }, 'corrupt_image'],
    [{ format: 'jpeg', data: jpeg.subarray(0, 20) }, 'corrupt_image'],
    [{ format: 'png', data: png }, null],
    [{ format: 'png', data: bomb }, 'bad_size'],
    [{ format: 'png', data: noise }, 'corrupt_image'],
    [black('mono8'), 'invalid_output'],
    [{ ...rawImage('rgb8', SIDE, SIDE), height: SIDE + 1 }, 'malformed'],
    [{ ...rawImage('rgb8', SIDE, SIDE), width: 0 }, 'bad_size'],
    [{ ...rawImage('rgb8', SIDE, SIDE), width: 8192, height: 8192, step: 8192 * 3 }, 'bad_size'],
    [rawImage('nv12', SIDE, SIDE), null],
    [rawImage('rgb8', 2, 2), null],
    [rawImage('mono8', 3, 1), null],
    [rawImage('rgb8', 640, 2), null],
    [rawImage('rgb8', SIDE, SIDE), null],
  ];
}

const ENGINES = (['worker', 'child'] as const).flatMap((kind) =>
  (['sharp', 'graph'] as const).map((preprocess) => ({ kind, preprocess })),
);

describe.each(ENGINES)(
  'bad frames before a $kind engine, preprocessing by $preprocess',
  ({ kind, preprocess }) => {
    it('are dropped under their reason, each separately, and good ones in between are published', async () => {
      const published: number[] = [];
      const notices: string[] = [];
      const pipeline = new FramePipeline({
        engine: createEngine({ bundle, kind, workers: 1, inputs: 'both' }),
        manifest: bundle.manifest,
        cameras: [{ name: 'front' }],
        preprocess,
        sinks: [{ name: 'publisher', deliver: ({ envelope }) => void published.push(envelope.sequence) }],
        onNotice: ({ code, message }) => notices.push(`${code}: ${message}`),
      });
      await pipeline.start();
      pipeline.activate();
      const envelopes = new EnvelopeMaker('front');
      const fates: (DropReason | null)[] = [];
      const all = await pictures();
      try {
        for (const [index, [image]] of all.entries()) {
          const before = pipeline.counts();
          pipeline.offer({ envelope: envelopes.next({ sec: 1000 + index, nanosec: 0 }, 'eye'), image });
          while (pipeline.framesInFlight > 0) await new Promise((resolve) => setTimeout(resolve, 1));
          const { drops } = pipeline.counts();
          const reasons = Object.keys(drops) as DropReason[];
          fates.push(reasons.find((reason) => drops[reason] !== before.drops[reason]) ?? null);
        }
      } finally {
        await pipeline.close();
      }
      expect(fates, notices.join('\n')).toEqual(all.map(([, fate]) => fate));
      const good = fates.flatMap((fate, index) => (fate === null ? [index] : []));
      expect(published).toEqual(good);
      expect(pipeline.snapshot()).toMatchObject({
        engineLost: 0,
        frames: { inFlight: 0, received: all.length },
      });
      expect(notices.some((line) => line.startsWith('GOSHAWK_MODEL_OUTPUT_INVALID'))).toBe(true);
    });
  },
);
