import { describe, expect, it } from 'vitest';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { LiveView } from '../../../src/device/live/live-view.ts';
import { encodeJpeg } from '../../../src/device/imaging/encode-image.ts';
import { readImageHeader } from '../../../src/core/image/read-header.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, rawImage, settle } from '../pipeline/fakes.ts';

async function watchedPipeline(acceptsRaw = false) {
  const clock = new FakeClock();
  const engine = new FakeEngine();
  engine.acceptsRaw = acceptsRaw;
  const live = new LiveView({ cameras: ['front'], labels: MANIFEST.labels, clock });
  const pipeline = new FramePipeline({
    engine,
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
    preprocess: acceptsRaw ? 'graph' : 'sharp',
    sinks: [live],
    clock,
  });
  await pipeline.start();
  pipeline.activate();
  const maker = new FrameMaker('front', clock);
  const pass = async (
    image = rawImage('rgb8', 64, 48) as Parameters<FrameMaker['next']>[0],
  ): Promise<void> => {
    const before = pipeline.counts().published;
    pipeline.offer(maker.next(image));
    await settle(() => pipeline.counts().published === before + 1);
  };
  return { clock, live, pipeline, pass };
}

describe('LiveView', () => {
  it('renders only while someone watches', async () => {
    const { live, pipeline, pass, clock } = await watchedPipeline();
    expect(live.wantsPixels('front')).toBe(false);
    await pass();
    const none = live.next('front', 100);
    clock.advance(100);
    expect(await none).toBeNull();
    const unwatch = live.watch('front');
    const shown = live.next('front', 60_000);
    await pass();
    expect(readImageHeader((await shown)!)).toMatchObject({ width: 64, height: 48 });
    unwatch();
    unwatch();
    clock.advance(1000);
    expect(live.wantsPixels('front')).toBe(false);
    expect(live.wantsPixels('rear')).toBe(false);
    expect(await live.next('rear', 10)).toBeNull();
    await pipeline.close();
  });

  it('does not render faster than its limit', async () => {
    const { live, pipeline, pass, clock } = await watchedPipeline();
    live.watch('front');
    const first = live.next('front', 60_000);
    await pass();
    await first;
    expect(live.wantsPixels('front')).toBe(false);
    clock.advance(99);
    expect(live.wantsPixels('front')).toBe(false);
    clock.advance(1);
    expect(live.wantsPixels('front')).toBe(true);
    await pipeline.close();
  });

  it('gets the pixels back from an engine that resizes, and those of compressed frames', async () => {
    const { live, pipeline, pass, clock } = await watchedPipeline(true);
    live.watch('front');
    const raw = live.next('front', 60_000);
    await pass();
    expect(readImageHeader((await raw)!)).toMatchObject({ width: 64, height: 48 });
    clock.advance(200);
    const compressed = live.next('front', 60_000);
    const data = await encodeJpeg(rawImage('rgb8', 80, 40).data, 80, 40, 80);
    await pass({ format: 'jpeg', data });
    expect(readImageHeader((await compressed)!)).toMatchObject({ width: 80, height: 40 });
    await pipeline.close();
  });
});
