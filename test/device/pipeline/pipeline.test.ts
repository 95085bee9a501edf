import { afterEach, describe, expect, it } from 'vitest';
import { GoshawkError } from '../../../src/contract/errors.ts';
import type { FrameResult, ResultSink } from '../../../src/device/pipeline/frame/frame-result.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import type { PipelineOptions } from '../../../src/device/pipeline/pipeline-options.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, rawImage, settle, turns } from './fakes.ts';

class Collector implements ResultSink {
  readonly name = 'publisher';
  readonly sequences: number[] = [];
  readonly results: FrameResult[] = [];

  deliver(result: FrameResult): void {
    this.sequences.push(result.envelope.sequence);
    this.results.push(result);
  }
}

const open: FramePipeline[] = [];

async function activePipeline(
  options: Partial<PipelineOptions> & Pick<PipelineOptions, 'engine'>,
): Promise<FramePipeline> {
  const pipeline = new FramePipeline({ manifest: MANIFEST, cameras: [{ name: 'front' }], ...options });
  open.push(pipeline);
  await pipeline.start();
  pipeline.activate();
  return pipeline;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((pipeline) => pipeline.close()));
});

describe('FramePipeline', () => {
  it('publishes a frame with its stage times and accounts for it', async () => {
    const clock = new FakeClock();
    const engine = new FakeEngine();
    const sink = new Collector();
    const pipeline = await activePipeline({ engine, clock, sinks: [sink] });
    expect(pipeline.offer(new FrameMaker('front', clock).next())).toBeNull();
    expect(pipeline.counts()).toMatchObject({ received: 1, published: 0, inFlight: 1 });
    await settle(() => sink.results.length === 1);
    expect(pipeline.counts()).toEqual({ received: 1, published: 1, inFlight: 0, drops: {} });
    expect(sink.results[0]).toMatchObject({
      sourceWidth: 64,
      sourceHeight: 48,
      bundleDigest: 'f'.repeat(64),
    });
    expect(pipeline.snapshot().latencyMs.stages.inference.count).toBe(1);
  });

  it('keeps the newest waiting frame', async () => {
    const clock = new FakeClock();
    const engine = new FakeEngine();
    engine.isManual = true;
    const sink = new Collector();
    const pipeline = await activePipeline({ engine, clock, sinks: [sink] });
    const maker = new FrameMaker('front', clock);
    for (let i = 0; i < 10; i++) {
      pipeline.offer(maker.next());
      await settle(() => engine.pending.length > 0);
      // the second frame leaves the gate before the third arrives, however long its preprocessing takes
      await turns();
    }
    // one in the engine, one preprocessed ahead, one waiting: the other seven were superseded
    expect(pipeline.counts()).toEqual({ received: 10, published: 0, inFlight: 3, drops: { superseded: 7 } });
    engine.isManual = false;
    engine.finish(0, 'ok');
    await settle(() => sink.sequences.length === 3);
    expect(sink.sequences).toEqual([0, 1, 9]);
  });

  it('counts frames of an inactive node, bad sizes and wrong layouts', async () => {
    const clock = new FakeClock();
    const pipeline = await activePipeline({ engine: new FakeEngine(), clock });
    const maker = new FrameMaker('front', clock);
    const image = rawImage('rgb8', 64, 48);
    expect(pipeline.offer(maker.next({ ...image, width: 0 }))).toBe('bad_size');
    expect(pipeline.offer(maker.next({ ...image, width: 8192, height: 8192 }))).toBe('bad_size');
    expect(pipeline.offer(maker.next({ ...image, height: 49 }))).toBe('malformed');
    expect(pipeline.offer(maker.next({ ...image, step: 10 }))).toBe('malformed');
    expect(pipeline.offer(maker.next(rawImage('nv12', 63, 48)))).toBe('bad_size');
    pipeline.refuse('front', 'unsupported_encoding', 'bayer');
    await pipeline.deactivate();
    expect(pipeline.offer(maker.next())).toBe('inactive');
    expect(pipeline.counts()).toEqual({
      received: 7,
      published: 0,
      inFlight: 0,
      drops: { bad_size: 3, malformed: 2, unsupported_encoding: 1, inactive: 1 },
    });
    expect(() => pipeline.offer(new FrameMaker('rear', clock).next())).toThrow(GoshawkError);
  });

  it('logs why a frame is refused, and what its message contained', async () => {
    const clock = new FakeClock();
    const notices: string[] = [];
    const pipeline = await activePipeline({
      engine: new FakeEngine(),
      clock,
      onNotice: ({ level, code, message }) => notices.push(`${level} ${code} ${message}`),
    });
    const maker = new FrameMaker('front', clock);
    pipeline.offer(maker.next(rawImage('rgb8', 64, 48), 10));
    pipeline.offer(maker.next(rawImage('rgb8', 64, 48), 10));
    clock.advance(6000);
    pipeline.offer(maker.next({ ...rawImage('mono8', 64, 48), step: 10 }, 200));
    clock.advance(6000);
    pipeline.offer(maker.next({ format: 'png', data: new Uint8Array(9) }, 400));
    expect(notices).toEqual([
      'warn FRAME_REFUSED front: stamp_repeated: 64x48 rgb8 of step 192, 9216 bytes, stamp 1700000000.330000000',
      'warn FRAME_REFUSED front: malformed: 64x48 mono8 of step 10, 3072 bytes, stamp 1700000006.600000000',
      'warn FRAME_REFUSED front: corrupt_image: png of 9 bytes, stamp 1700000013.200000000',
    ]);
  });

  it('reports the fault of each camera, even if another has the same', async () => {
    const clock = new FakeClock();
    const notices: string[] = [];
    const pipeline = await activePipeline({
      engine: new FakeEngine(),
      clock,
      cameras: [{ name: 'front' }, { name: 'rear' }],
      onNotice: ({ code, message }) => notices.push(`${code} ${message.split(':', 2).join(':')}`),
    });
    const makers = ['front', 'rear'].map((name) => new FrameMaker(name, clock));
    for (let i = 0; i < 4; i++) {
      clock.advance(33);
      for (const maker of makers) pipeline.offer(maker.next({ ...rawImage('mono8', 64, 48), step: 10 }));
      pipeline.refuse('rear', 'unsupported_encoding', 'bayer');
    }
    expect(notices).toEqual([
      'FRAME_REFUSED front: malformed',
      'FRAME_REFUSED rear: malformed',
      'FRAME_REFUSED rear: unsupported_encoding',
    ]);
  });

  it('delivers in order when the second worker is faster', async () => {
    const clock = new FakeClock();
    const engine = new FakeEngine(2);
    engine.isManual = true;
    const sink = new Collector();
    const pipeline = await activePipeline({ engine, clock, sinks: [sink] });
    const maker = new FrameMaker('front', clock);
    pipeline.offer(maker.next());
    await settle(() => engine.pending.length === 1);
    pipeline.offer(maker.next());
    await settle(() => engine.pending.length === 2);
    engine.finish(1, 'ok');
    await turns();
    expect(sink.sequences).toEqual([]);
    engine.finish(0, 'ok');
    await turns();
    expect(sink.sequences).toEqual([0, 1]);
  });

  it('does not wait for a lost frame, and drops a result that was overtaken', async () => {
    const clock = new FakeClock();
    const engine = new FakeEngine(2);
    engine.isManual = true;
    const sink = new Collector();
    const pipeline = await activePipeline({ engine, clock, sinks: [sink] });
    const maker = new FrameMaker('front', clock);
    const offerAndReach = async (pending: number): Promise<void> => {
      pipeline.offer(maker.next());
      await settle(() => engine.pending.length === pending);
    };
    await offerAndReach(1);
    await offerAndReach(2);
    engine.finish(1, 'ok');
    await turns();
    expect(sink.sequences).toEqual([]);
    await offerAndReach(2);
    engine.finish(1, 'ok');
    await turns();
    expect(sink.sequences).toEqual([1, 2]);
    engine.finish(0, 'ok');
    await turns();
    expect(pipeline.counts().drops).toEqual({ out_of_order: 1 });
    await offerAndReach(1);
    await offerAndReach(2);
    engine.finish(0, 'lost');
    engine.finish(0, 'ok');
    await turns();
    expect(sink.sequences).toEqual([1, 2, 4]);
    expect(pipeline.counts().drops).toEqual({ out_of_order: 1, engine_lost: 1 });
  });

  it('gives up on a job that the engine does not answer, and continues', async () => {
    const clock = new FakeClock();
    const engine = new FakeEngine();
    engine.isManual = true;
    const sink = new Collector();
    const pipeline = await activePipeline({ engine, clock, sinks: [sink], engineTimeoutMs: 500 });
    const maker = new FrameMaker('front', clock);
    pipeline.offer(maker.next());
    await settle(() => engine.pending.length === 1);
    clock.advance(501);
    await turns();
    expect(pipeline.counts().drops).toEqual({ engine_lost: 1 });
    pipeline.offer(maker.next());
    await settle(() => engine.pending.length === 2);
    engine.finish(1, 'ok');
    await turns();
    engine.finish(0, 'ok');
    await turns();
    expect(pipeline.counts()).toMatchObject({ received: 2, published: 1, inFlight: 0 });
  });

  it('drops frames whose deadline passed, before and after the engine', async () => {
    const clock = new FakeClock();
    const engine = new FakeEngine();
    engine.isManual = true;
    const pipeline = await activePipeline({ engine, clock });
    const maker = new FrameMaker('front', clock, 100);
    pipeline.offer(maker.next());
    await settle(() => engine.pending.length === 1);
    clock.advance(101);
    engine.finish(0, 'ok');
    await turns();
    const late = maker.next();
    clock.advance(101);
    pipeline.offer(late);
    await turns();
    expect(pipeline.counts()).toEqual({ received: 2, published: 0, inFlight: 0, drops: { deadline: 2 } });
  });

  it('counts a publisher that throws, rejects or hangs, without affecting other sinks', async () => {
    const clock = new FakeClock();
    const engine = new FakeEngine();
    const fates: (() => void | Promise<void>)[] = [
      () => {
        throw new Error('no publisher');
      },
      () => Promise.reject(new Error('refused')),
      () => new Promise<void>(() => undefined),
      () => undefined,
    ];
    let calls = 0;
    const publisher: ResultSink = { name: 'publisher', deliver: () => fates[calls++]?.() };
    const broken: ResultSink = {
      name: 'broken',
      deliver: () => {
        throw new Error('disk full');
      },
    };
    const pipeline = await activePipeline({ engine, clock, sinks: [publisher, broken], sinkTimeoutMs: 300 });
    const maker = new FrameMaker('front', clock);
    for (let i = 1; i <= fates.length; i++) {
      pipeline.offer(maker.next());
      await settle(() => calls === i);
      await turns();
    }
    clock.advance(301);
    await turns();
    expect(pipeline.counts()).toEqual({
      received: 4,
      published: 1,
      inFlight: 0,
      drops: { publish_failed: 3 },
    });
    expect(pipeline.snapshot().sinks).toEqual({
      publisher: { delivered: 1, failed: 3, skipped: 0 },
      broken: { delivered: 0, failed: 1, skipped: 0 },
    });
  });

  it('refuses limits out of range and unknown classes, and keeps the old ones', async () => {
    const pipeline = await activePipeline({ engine: new FakeEngine() });
    pipeline.setLimits({ score_threshold: 0.6, class_filter: ['car'] });
    for (const patch of [
      { score_threshold: 1.1 },
      { iou_threshold: Number.NaN },
      { max_detections: 0 },
      { class_filter: ['bus'] },
    ])
      expect(() => pipeline.setLimits(patch)).toThrow(
        expect.objectContaining({ code: 'GOSHAWK_PARAMETER_INVALID' }),
      );
    expect(pipeline.limits).toMatchObject({
      score_threshold: 0.6,
      iou_threshold: 0.5,
      max_detections: 100,
      class_filter: ['car'],
    });
  });

  it('drains on deactivate and counts what waits as shutdown on close', async () => {
    const clock = new FakeClock();
    const engine = new FakeEngine();
    engine.isManual = true;
    const pipeline = await activePipeline({ engine, clock });
    const maker = new FrameMaker('front', clock);
    for (let i = 1; i <= 3; i++) {
      pipeline.offer(maker.next());
      await settle(() => i > 1 || engine.pending.length === 1, 20);
      await turns(20);
    }
    engine.isManual = false;
    const drained = pipeline.deactivate();
    engine.finish(0, 'ok');
    await drained;
    expect(pipeline.state).toBe('inactive');
    expect(pipeline.counts()).toMatchObject({ published: 3, inFlight: 0 });
    pipeline.activate();
    engine.isManual = true;
    for (let i = 0; i < 3; i++) {
      pipeline.offer(maker.next());
      await settle(() => false, 20);
    }
    const closed = pipeline.close();
    await turns();
    expect(pipeline.counts().drops).toEqual({ shutdown: 1 });
    clock.advance(3001);
    await closed;
    expect(engine.isClosed).toBe(true);
    expect(pipeline.counts()).toEqual({
      received: 6,
      published: 3,
      inFlight: 0,
      drops: { shutdown: 2, engine_lost: 1 },
    });
  });
});
