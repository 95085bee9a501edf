import { describe, expect, it } from 'vitest';
import { statusSchema } from '../../../src/contract/status.ts';
import type { EngineIncident } from '../../../src/device/inference/engine.ts';
import type { CameraSnapshot } from '../../../src/device/pipeline/statistics/snapshot.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { engineCondition } from '../../../src/device/runtime/engine-trouble.ts';
import { healthOf, statusOf } from '../../../src/device/runtime/status.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, rawImage, settle } from '../pipeline/fakes.ts';

function setUp() {
  const clock = new FakeClock();
  const cameras = [{ name: 'front' }];
  const pipeline = new FramePipeline({ engine: new FakeEngine(), manifest: MANIFEST, cameras, clock });
  return { clock, pipeline, maker: new FrameMaker('front', clock) };
}

describe('health', () => {
  it('reports what is missing, from no model to a camera that sends', async () => {
    const { clock, pipeline, maker } = setUp();
    expect(healthOf(pipeline.snapshot(), 5000).reasons).toEqual([
      'no model is loaded',
      'the pipeline is idle',
    ]);
    await pipeline.start();
    expect(healthOf(pipeline.snapshot(), 5000).reasons).toEqual(['the pipeline is inactive']);
    pipeline.activate();
    expect(healthOf(pipeline.snapshot(), 5000)).toEqual({ ok: true, reasons: [] });
    clock.advance(6000);
    expect(healthOf(pipeline.snapshot(), 5000).reasons).toEqual(['camera front has sent no frame yet']);
    pipeline.offer(maker.next());
    await settle(() => pipeline.framesInFlight === 0);
    expect(healthOf(pipeline.snapshot(), 5000)).toEqual({ ok: true, reasons: [] });
    clock.advance(7000);
    expect(healthOf(pipeline.snapshot(), 5000).reasons).toEqual(['camera front has been silent for 7 s']);
  });

  it('allows a slow camera the configured time', async () => {
    const { clock, pipeline, maker } = setUp();
    await pipeline.start();
    pipeline.activate();
    for (let i = 0; i < 3; i++) {
      pipeline.offer(maker.next());
      await settle(() => pipeline.framesInFlight === 0);
      clock.advance(9_900);
      expect(healthOf(pipeline.snapshot(), 12_000)).toEqual({ ok: true, reasons: [] });
    }
    clock.advance(3000);
    expect(healthOf(pipeline.snapshot(), 12_000).reasons).toEqual(['camera front has been silent for 13 s']);
  });

  it('does not count the time in which no frames were accepted', async () => {
    const { clock, pipeline, maker } = setUp();
    await pipeline.start();
    clock.advance(60_000);
    pipeline.activate();
    expect(healthOf(pipeline.snapshot(), 3000).ok).toBe(true);
    pipeline.offer(maker.next());
    await settle(() => pipeline.framesInFlight === 0);
    await pipeline.deactivate();
    clock.advance(600_000);
    pipeline.activate();
    expect(healthOf(pipeline.snapshot(), 3000)).toEqual({ ok: true, reasons: [] });
    clock.advance(3100);
    expect(healthOf(pipeline.snapshot(), 3000).reasons).toEqual(['camera front has been silent for 603 s']);
  });

  it('is bad if frames arrive but none is published, and says why the last one was dropped', async () => {
    const { clock, pipeline, maker } = setUp();
    await pipeline.start();
    pipeline.activate();
    for (let i = 0; i < 30; i++) {
      clock.advance(33);
      pipeline.offer(maker.next({ ...rawImage('rgb8', 64, 48), step: 1 }));
    }
    const { ok, reasons } = healthOf(pipeline.snapshot(), 5000);
    expect(ok).toBe(false);
    expect(reasons).toEqual([
      expect.stringMatching(/^camera front: 3[01]\.\d frames\/s arrive .* malformed$/),
    ]);
    for (let i = 0; i < 30; i++) pipeline.refuse('front', 'rate_limited');
    expect(healthOf(pipeline.snapshot(), 5000).ok).toBe(true);
  });
});

describe('an engine that was lost', () => {
  const incident = (kind: EngineIncident['kind']): EngineIncident => ({
    kind,
    code: 'GOSHAWK_ENGINE_CRASHED',
    message: `the runner: ${kind}`,
    lostJobs: 0,
  });

  it('is unhealthy until a runner is back', async () => {
    const engine = new FakeEngine(2);
    const pipeline = new FramePipeline({ engine, manifest: MANIFEST, cameras: [], clock: new FakeClock() });
    await pipeline.start();
    pipeline.activate();
    engine.incident(incident('lost'));
    expect(healthOf(pipeline.snapshot(), 5000).ok).toBe(true);
    expect(engineCondition(pipeline.snapshot())).toMatchObject({
      state: 'degraded',
      words: expect.stringMatching(/^1 of 2 inference runners are down/) as string,
    });
    engine.incident(incident('lost'));
    engine.incident(incident('failed'));
    expect(healthOf(pipeline.snapshot(), 5000).reasons).toEqual([
      'inference is down: GOSHAWK_ENGINE_CRASHED: the runner: failed',
    ]);
    engine.incident(incident('restored'));
    expect(healthOf(pipeline.snapshot(), 5000).ok).toBe(true);
    engine.incident(incident('restored'));
    expect(engineCondition(pipeline.snapshot()).state).toBe('recovered');
  });
});

describe('status', () => {
  it('follows its schema before a model and with one', async () => {
    const { pipeline, clock, maker } = setUp();
    expect(statusSchema.parse(statusOf(pipeline.snapshot(), {}, 5000)).bundle).toBeNull();
    await pipeline.start();
    pipeline.activate();
    pipeline.offer(maker.next());
    await settle(() => pipeline.framesInFlight === 0);
    clock.advance(1000);
    pipeline.offer(maker.next({ ...rawImage('rgb8', 64, 48), width: 0 }));
    const status = statusOf(pipeline.snapshot(), {}, 5000);
    expect(statusSchema.parse(status)).toMatchObject({ provider: 'cpu', variant: 'fp32' });
    const front = status.cameras['front'] as CameraSnapshot;
    expect(front).toMatchObject({ lastDrop: 'bad_size', frames: { received: 2, published: 1 } });
    expect(front.stampAgeMs).not.toBeNull();
    await pipeline.close();
  });

  it('decides whether each camera is silent, so that the page does not have to', async () => {
    const { pipeline, clock, maker } = setUp();
    const isSilent = () => statusOf(pipeline.snapshot(), {}, 5000).cameras['front']?.isSilent;
    expect(isSilent()).toBe(false);
    await pipeline.start();
    pipeline.activate();
    expect(isSilent()).toBe(false);
    clock.advance(5001);
    expect(isSilent()).toBe(true);
    pipeline.offer(maker.next());
    await settle(() => pipeline.framesInFlight === 0);
    expect(isSilent()).toBe(false);
    clock.advance(5001);
    expect(isSilent()).toBe(true);
    await pipeline.close();
  });
});
