import { afterEach, expect, it } from 'vitest';
import type { CompressedView } from '../../../src/core/image/image-view.ts';
import { readImageHeader } from '../../../src/core/image/read-header.ts';
import { encodeJpeg } from '../../../src/device/imaging/encode-image.ts';
import type { ResultSink } from '../../../src/device/pipeline/frame/frame-result.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, rawImage, settle } from './fakes.ts';

let pipeline: FramePipeline | undefined;
afterEach(() => pipeline?.close());

async function jpegOf(width: number, height: number): Promise<CompressedView> {
  const data = await encodeJpeg(rawImage('rgb8', width, height).data, width, height, 80);
  const header = readImageHeader(data);
  return { format: 'jpeg', data, ...(header === undefined ? {} : { header }) };
}

it('of a camera is kept for each sink while a viewer waits for its decoded image', async () => {
  const clock = new FakeClock();
  const observed: number[] = [];
  const viewed: number[] = [];
  const observer: ResultSink = {
    name: 'drift',
    deliver: ({ envelope }, pixels) => {
      expect(pixels).toBeNull();
      observed.push(envelope.sequence);
    },
  };
  const viewer: ResultSink = {
    name: 'live',
    wantsPixels: () => true,
    deliver: ({ envelope }, pixels) => {
      if (pixels !== null) viewed.push(envelope.sequence);
    },
  };
  const engine = new FakeEngine();
  const cameras = [{ name: 'front' }];
  pipeline = new FramePipeline({
    manifest: MANIFEST,
    cameras,
    engine,
    clock,
    preprocess: 'sharp',
    sinks: [observer, viewer],
  });
  await pipeline.start();
  pipeline.activate();
  // the first takes long to decode, while those after it are delivered
  const images = [await jpegOf(3000, 2000), await jpegOf(64, 48), await jpegOf(64, 48), await jpegOf(64, 48)];
  const frames = new FrameMaker('front', clock);
  const sent: number[] = [];
  for (const image of images) {
    const frame = frames.next(image);
    sent.push(frame.envelope.sequence);
    expect(pipeline.offer(frame)).toBeNull();
    const before = sent.length;
    await settle(() => observed.length === before);
  }
  expect(observed).toEqual(sent);
  await settle(() => viewed.length > 0);
  expect(viewed[0]).toBe(sent[0]);
  expect(viewed).toEqual([...viewed].sort((one, other) => one - other));
});
