import { expect, it } from 'vitest';
import type { Bundle } from '../../../src/model/bundle.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { makeRunReport } from '../../../src/device/runtime/run-report.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, settle } from '../pipeline/fakes.ts';

const bundle = {
  manifest: { name: 'fake', version: '1.0.0' },
  digest: 'f'.repeat(64),
} as unknown as Bundle;

it('rates of a run are those of its camera, without loading, waiting for the camera, pauses and draining', async () => {
  const clock = new FakeClock();
  const cameras = [{ name: 'front' }];
  const pipeline = new FramePipeline({ engine: new FakeEngine(), manifest: MANIFEST, cameras, clock });
  const maker = new FrameMaker('front', clock);
  const stretch = async (frames: number): Promise<void> => {
    clock.advance(1500);
    for (let i = 0; i < frames; i++) {
      pipeline.offer(maker.next());
      await settle(() => pipeline.framesInFlight === 0);
      clock.advance(33.2);
    }
    clock.advance(700);
  };
  await pipeline.start();
  clock.advance(9000);
  pipeline.activate();
  await stretch(20);
  await pipeline.deactivate();
  clock.advance(60_000);
  pipeline.activate();
  await stretch(10);
  await pipeline.deactivate();
  clock.advance(4000);
  await pipeline.close();

  const report = makeRunReport({ snapshot: pipeline.snapshot(), bundle, startedAt: new Date(0) });
  expect(report.frames).toEqual({ received: 30, published: 30, drops: {} });
  expect(report.fps.in).toBeCloseTo(1000 / 33.2, 6);
  expect(report.fps.out).toBeCloseTo(1000 / 33.2, 6);
  expect(report.framesSeconds).toBeCloseTo(30 * 0.0332, 6);
  expect(report.seconds).toBeCloseTo((30 * 33.2 + 2 * 2200) / 1000, 6);
});
