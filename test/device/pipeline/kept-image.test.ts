import { afterEach, describe, expect, it } from 'vitest';
import { readImageHeader } from '../../../src/core/image/read-header.ts';
import type { CompressedView, ImageView } from '../../../src/core/image/image-view.ts';
import { encodeJpeg } from '../../../src/device/imaging/encode-image.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import type { ResultSink } from '../../../src/device/pipeline/frame/frame-result.ts';
import { FakeEngine, FrameMaker, FakeClock, MANIFEST, rawImage, settle } from './fakes.ts';

const open: FramePipeline[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((pipeline) => pipeline.close()));
});

interface Seen {
  readonly pixels: ImageView | null;
  readonly image: ImageView | CompressedView | null;
}

/** What a sink sees of one frame. */
async function seenBy(
  wants: Pick<ResultSink, 'wantsImage' | 'wantsPixels'>,
  image: ImageView | CompressedView,
  preprocess: 'sharp' | 'graph' = 'sharp',
): Promise<Seen> {
  const clock = new FakeClock();
  const engine = new FakeEngine();
  engine.acceptsRaw = true;
  const seen: Seen[] = [];
  const sink: ResultSink = {
    ...wants,
    name: 'evidence',
    deliver: (_result, pixels, kept = null) => void seen.push({ pixels, image: kept }),
  };
  const cameras = [{ name: 'front' }];
  const pipeline = new FramePipeline({
    manifest: MANIFEST,
    cameras,
    engine,
    clock,
    preprocess,
    sinks: [sink],
  });
  open.push(pipeline);
  await pipeline.start();
  pipeline.activate();
  expect(pipeline.offer(new FrameMaker('front', clock).next(image))).toBeNull();
  await settle(() => seen.length === 1);
  return seen[0] ?? expect.unreachable('the frame was delivered');
}

async function jpeg(): Promise<CompressedView> {
  const data = await encodeJpeg(rawImage('rgb8', 64, 48).data, 64, 48, 80);
  const header = readImageHeader(data);
  return { format: 'jpeg', data, ...(header === undefined ? {} : { header }) };
}

const wantsImage = (): boolean => true;

describe('a sink that wants the image', () => {
  it('gets a JPEG as it was received, and nothing is decoded for it', async () => {
    const image = await jpeg();
    const bytes = image.data.slice();
    const seen = await seenBy({ wantsImage }, image);
    expect(seen.pixels).toBeNull();
    expect(seen.image?.data).toBe(image.data);
    expect(image.data).toEqual(bytes);
  });

  it('gets pixels as well if it wants them', async () => {
    const image = await jpeg();
    const seen = await seenBy({ wantsImage, wantsPixels: () => true }, image);
    expect(seen.pixels).toMatchObject({ width: 64, height: 48, encoding: 'rgb8' });
    expect(seen.image?.data).toBe(image.data);
  });

  it.each(['sharp', 'graph'] as const)(
    'gets a raw frame without a copy, resized by %s',
    async (preprocess) => {
      const image = rawImage('rgb8', 256, 200);
      const bytes = image.data.slice();
      const seen = await seenBy({ wantsImage }, image, preprocess);
      expect(seen.image).toMatchObject({ width: 256, height: 200, encoding: 'rgb8' });
      expect(seen.image?.data).toEqual(bytes);
    },
  );

  it('is the only reason to keep one: its memory is freed otherwise', async () => {
    const image = rawImage('rgb8', 256, 200);
    expect((await seenBy({}, image)).image).toBeNull();
    expect(image.data.byteLength).toBe(0);
  });
});
