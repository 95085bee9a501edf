import { describe, expect, it } from 'vitest';
import type { Detections } from '../../../src/core/detections.ts';
import type { EngineInfo } from '../../../src/device/inference/engine.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, settle, turns } from './fakes.ts';

/** An engine that loads for as long as the test decides. */
class SlowEngine extends FakeEngine {
  loaded: () => void = () => undefined;

  override async start(): Promise<EngineInfo> {
    await new Promise<void>((resolve) => (this.loaded = resolve));
    return super.start();
  }
}

class RecyclingEngine extends FakeEngine {
  readonly recycled: Detections[] = [];

  recycle(detections: Detections): void {
    this.recycled.push(detections);
  }
}

const cameras = [{ name: 'front' }];

describe('FramePipeline from start to close', () => {
  it('stays closed if it was closed while the engine loaded', async () => {
    const engine = new SlowEngine();
    const pipeline = new FramePipeline({ engine, manifest: MANIFEST, cameras, clock: new FakeClock() });
    const started = pipeline.start();
    await pipeline.close();
    engine.loaded();
    await expect(started).rejects.toMatchObject({ code: 'GOSHAWK_INTERNAL' });
    expect(pipeline.state).toBe('closed');
    expect(() => {
      pipeline.activate();
    }).toThrow(/closed/);
  });

  it('can be started only once', async () => {
    const pipeline = new FramePipeline({ engine: new FakeEngine(), manifest: MANIFEST, cameras });
    await pipeline.start();
    await expect(pipeline.start()).rejects.toMatchObject({ code: 'GOSHAWK_INTERNAL' });
    expect(pipeline.state).toBe('inactive');
    await pipeline.close();
    await pipeline.close();
  });

  it('returns detections to the engine once every sink is done with them, not at the time limit', async () => {
    const clock = new FakeClock();
    const engine = new RecyclingEngine();
    let letGo: () => void = () => undefined;
    const slow = { name: 'slow', deliver: () => new Promise<void>((resolve) => (letGo = resolve)) };
    const pipeline = new FramePipeline({ engine, manifest: MANIFEST, cameras, clock, sinks: [slow] });
    await pipeline.start();
    pipeline.activate();
    pipeline.offer(new FrameMaker('front', clock).next());
    await settle(() => pipeline.counts().published === 1);
    clock.advance(60_000);
    await turns();
    expect(pipeline.snapshot().sinks['slow']?.failed).toBe(1);
    expect(engine.recycled.length).toBe(0);
    letGo();
    await turns();
    expect(engine.recycled.length).toBe(1);
    await pipeline.close();
  });
});
