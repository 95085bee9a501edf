import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CameraIntake } from '../../../src/device/pipeline/camera-intake.ts';
import { LimitsInForce } from '../../../src/device/pipeline/decode-limits.ts';
import { Delivery } from '../../../src/device/pipeline/delivery.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';
import { defaultLimits } from '../../../src/device/pipeline/limit-table.ts';
import { PipelineModel } from '../../../src/device/pipeline/pipeline-model.ts';
import { PipelineNotices } from '../../../src/device/pipeline/pipeline-notices.ts';
import type { FrameCounts } from '../../../src/device/pipeline/statistics/ledger.ts';
import { PipelineStats } from '../../../src/device/pipeline/statistics/pipeline-stats.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, rawImage, turns, type JobFate } from './fakes.ts';

/** Maximum frames in flight per model: one at the gate, one on the way to the engine, and what the engine takes. */
const MAX_IN_FLIGHT = 2 + 1;

/** large enough that its memory is freed as soon as the first model is done with it */
const image = () => rawImage('rgb8', 160, 144);
const FIRST_BYTES = [...image().data.subarray(0, 9)];

/** A model with an engine whose jobs end when the test decides, and its published frames. */
async function modelOn(camera: CameraIntake, clock: FakeClock) {
  const engine = new FakeEngine();
  engine.isManual = true;
  engine.acceptsRaw = true;
  const published: { sequence: number; totalMs: number; stageMs: number[] }[] = [];
  const delivery = new Delivery({ clock, timeoutMs: 1000, onFailure: () => undefined });
  delivery.add({
    name: 'publisher',
    deliver: ({ envelope, totalMs, stageMs }: FrameResult) =>
      void published.push({ sequence: envelope.sequence, totalMs, stageMs: [...stageMs] }),
  });
  const limits = defaultLimits(MANIFEST.thresholds);
  const model = new PipelineModel(
    {
      engine,
      info: await engine.start(),
      graphFailures: new Map(),
      target: MANIFEST.input,
      preprocess: 'graph',
      tracking: true,
      limits: new LimitsInForce(limits, {}, { labels: MANIFEST.labels, trackedFrom: 0.1 }),
      delivery,
      stats: new PipelineStats(),
      notices: new PipelineNotices(clock, undefined),
      clock,
    },
    [camera],
  );
  return { engine, model, published, ledger: model.lanes.get(camera.name)!.ledger };
}

/** A camera with its first model, and optionally a shadow. */
async function rig(hasShadow = true) {
  const clock = new FakeClock();
  const camera = new CameraIntake({ name: 'front' }, { staleMs: 0, futureMs: 0 });
  const first = await modelOn(camera, clock);
  const shadow = hasShadow ? await modelOn(camera, clock) : null;
  const maker = new FrameMaker('front', clock);
  const offer = (): void => {
    const frame = maker.next(image());
    camera.receive(clock.now);
    const size = camera.admit(frame, clock.wall, clock.now);
    if (typeof size === 'string') throw new Error(size);
    camera.pass(frame, size);
  };
  return { clock, camera, first, shadow, offer };
}

function expectSum({ received, published, inFlight, drops }: FrameCounts, framesInFlight: number): void {
  const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
  expect(received).toBe(published + dropped + inFlight);
  expect(inFlight).toBe(framesInFlight);
}

const fate = fc.constantFrom<JobFate>('ok', 'ok', 'ok', 'failed', 'nan', 'lost', 'short', 'reject');
const step = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ what: 'offer' } as const) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('first' as const), fate }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('shadow' as const), fate }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.nat(4000) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Plays the steps and checks the accounting after each; returns the results of the first model and its camera. */
async function play(steps: readonly Step[], hasShadow: boolean) {
  const { clock, camera, first, shadow, offer } = await rig(hasShadow);
  let offered = 0;
  for (const one of steps) {
    if (one.what === 'offer') {
      offer();
      offered += 1;
    } else if (one.what === 'wait') clock.advance(one.ms);
    else (one.what === 'first' ? first : shadow)?.engine.finish(0, one.fate);
    await turns(2);
    expect(camera.ledger.received).toBe(offered);
    expectSum(camera.ledger.read(), first.model.framesInFlight);
    if (shadow === null) continue;
    expectSum(shadow.ledger.read(), shadow.model.framesInFlight);
    expect(shadow.model.framesInFlight).toBeLessThanOrEqual(MAX_IN_FLIGHT);
    expect(shadow.ledger.dropped('superseded')).toBe(0);
  }
  for (const one of [first, shadow]) {
    if (one === null) continue;
    await Promise.all([one.model.drain('shutdown', 5), Promise.resolve().then(() => clock.advance(5))]);
    expectSum(one.ledger.read(), 0);
    one.model.stop();
  }
  return { published: first.published, camera: camera.snapshot(0) };
}

describe('two models on one camera', () => {
  it('law: frames add up per model and camera, and a shadow does not affect the first model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        expect(await play(steps, true)).toEqual(await play(steps, false));
      }),
      { numRuns: 60 },
    );
  });

  it('get the same pixels, each in its own memory', async () => {
    const { first, shadow, offer } = await rig();
    offer();
    await turns();
    first.engine.finish(0, 'ok');
    await turns();
    const [ofFirst, ofShadow] = [first, shadow].map((one) => one!.engine.seen[0]![0]!.pixels);
    expect(first.published).toHaveLength(1);
    expect(ofFirst!.byteLength).toBe(0);
    expect([...ofShadow!.subarray(0, 9)]).toEqual(FIRST_BYTES);
    shadow!.engine.finish(0, 'ok');
    await turns();
    expect(shadow!.published.map(({ sequence }) => sequence)).toEqual([0]);
  });

  it('do not wait for each other: a shadow whose engine hangs keeps its few frames and gets no more', async () => {
    const { clock, camera, first, shadow, offer } = await rig();
    for (let i = 0; i < 50; i++) {
      offer();
      await turns(1);
      first.engine.finish(0, 'ok');
      await turns(1);
      clock.advance(33);
    }
    expect(first.published).toHaveLength(50);
    expect(camera.ledger.read()).toEqual({ received: 50, published: 50, inFlight: 0, drops: {} });
    expect(shadow!.ledger.received).toBe(shadow!.model.framesInFlight);
    expect(shadow!.model.framesInFlight).toBeLessThanOrEqual(MAX_IN_FLIGHT);
  });

  it('share the rates and latencies of the camera, which the first one determines', async () => {
    const { camera, first, shadow, offer } = await rig();
    offer();
    await turns();
    shadow!.engine.finish(0, 'ok');
    await turns();
    expect(camera.snapshot(1000).latencyMs.count).toBe(0);
    first.engine.finish(0, 'ok');
    await turns();
    expect(camera.snapshot(1000).latencyMs.count).toBe(1);
  });
});
