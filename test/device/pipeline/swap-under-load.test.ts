import { describe, expect, it } from 'vitest';
import type { EngineInfo, InferenceOutcome } from '../../../src/device/inference/engine.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, rawImage, turns } from './fakes.ts';

const WORKERS = 4;
const SERVICE_MS = 30;
const FRAMES = 90;

/** An engine whose jobs take a fixed time, and that runs four of them at once. */
class SteadyEngine extends FakeEngine {
  readonly #clock: FakeClock;
  readonly #digest: string;
  readonly #serviceMs: number;

  constructor(clock: FakeClock, digest: string, serviceMs = SERVICE_MS) {
    super(WORKERS);
    [this.#clock, this.#digest, this.#serviceMs] = [clock, digest, serviceMs];
    this.acceptsRaw = true;
    this.isManual = true;
  }

  override async start(): Promise<EngineInfo> {
    const info = await super.start();
    return { ...info, bundle: { ...info.bundle, digest: this.#digest } };
  }

  override infer(...args: Parameters<FakeEngine['infer']>): Promise<InferenceOutcome> {
    const outcome = super.infer(...args);
    const job = this.pending.at(-1)!;
    this.#clock.startTimer(() => this.finish(this.pending.indexOf(job), 'ok'), this.#serviceMs);
    return outcome;
  }
}

interface Outcome {
  readonly drops: Readonly<Partial<Record<string, number>>>;
  readonly published: readonly { readonly sequence: number; readonly digest: string }[];
}

/** Offers frames at a share of what the engine can do; before some of them, a swap begins. */
async function run(load: number, swapsAt: readonly number[], otherMs = SERVICE_MS): Promise<Outcome> {
  const clock = new FakeClock();
  const published: Outcome['published'][number][] = [];
  const pipeline = new FramePipeline({
    engine: new SteadyEngine(clock, 'a'),
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
    preprocess: 'graph',
    clock,
    sinks: [
      {
        name: 'publisher',
        deliver: ({ envelope: { sequence }, bundleDigest: digest }) =>
          void published.push({ sequence, digest }),
      },
    ],
  });
  await pipeline.start();
  pipeline.activate();
  const maker = new FrameMaker('front', clock);
  const periodMs = SERVICE_MS / WORKERS / load;
  const swaps: Promise<unknown>[] = [];
  let offered = 0;
  for (const startMs = clock.now; offered < FRAMES || pipeline.framesInFlight > 0; clock.advance(1)) {
    for (; offered < FRAMES && clock.now >= startMs + offered * periodMs; offered += 1) {
      if (swapsAt.includes(offered)) {
        const engine = new SteadyEngine(clock, `b${String(offered)}`, otherMs);
        swaps.push(pipeline.swap({ engine, manifest: MANIFEST, limits: () => ({}) }));
      }
      pipeline.offer(maker.next(rawImage('rgb8', 64, 48)));
    }
    await turns(2);
  }
  await Promise.all(swaps);
  const { received, drops, inFlight } = pipeline.counts();
  expect([received, inFlight]).toEqual([FRAMES, 0]);
  expect(received).toBe(published.length + Object.values(drops).reduce((sum, count) => sum + count, 0));
  await pipeline.close();
  return { drops, published };
}

/** A swap warms the other engine for some frames, so each is over before the next one begins. */
const SWAPS_AT = [20, 45, 70];

describe.each([0.3, 0.7, 0.9])('a swap at a load of %d', (load) => {
  it.each([
    ['a model as fast', SERVICE_MS],
    ['a faster one', SERVICE_MS / 6],
  ])('to %s loses no frame, and keeps the order', async (_words, otherMs) => {
    expect((await run(load, [])).drops).toEqual({});
    const { drops, published } = await run(load, SWAPS_AT, otherMs);
    expect(drops).toEqual({});
    expect(published.map(({ sequence }) => sequence)).toEqual(Array.from({ length: FRAMES }, (_, i) => i));
    expect([...new Set(published.map(({ digest }) => digest))]).toEqual(['a', 'b20', 'b45', 'b70']);
  });
});

it('gives up what the model before has not answered once too many frames wait for it', async () => {
  const clock = new FakeClock();
  const engine = new FakeEngine();
  engine.acceptsRaw = true;
  engine.isManual = true;
  const pipeline = new FramePipeline({
    engine,
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
    preprocess: 'graph',
    clock,
  });
  await pipeline.start();
  pipeline.activate();
  const maker = new FrameMaker('front', clock);
  pipeline.offer(maker.next());
  const other = new FakeEngine();
  other.acceptsRaw = true;
  const swapping = pipeline.swap({ engine: other, manifest: MANIFEST, limits: () => ({}) });
  await turns();
  other.isManual = false;
  for (let i = 0; i < 40; i += 1) {
    pipeline.offer(maker.next());
    await turns(2);
  }
  await swapping;
  expect(pipeline.counts()).toMatchObject({
    received: 41,
    published: 40,
    drops: { engine_lost: 1 },
    inFlight: 0,
  });
  await pipeline.close();
});
