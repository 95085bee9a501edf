import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import type { EngineSetting } from '../../../src/core/sizing/settings.ts';
import { ElasticEngine } from '../../../src/device/inference/elastic-engine.ts';
import type { EngineIncident } from '../../../src/device/inference/engine.ts';
import { RunnerPool } from '../../../src/device/inference/runner-pool.ts';
import type { ModelRequest } from '../../../src/device/inference/runner-messages.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import type { PipelineNotice } from '../../../src/device/pipeline/pipeline-options.ts';
import { FrameMaker, MANIFEST, rawImage } from '../pipeline/fakes.ts';
import { FakeClock, settle } from './fake-handles.ts';
import { ServingHandle } from './serving-handle.ts';

const LATENCY: EngineSetting = { workers: 1, threads: 2, queueDepth: 1 };
const THROUGHPUT: EngineSetting = { workers: 2, threads: 1, queueDepth: 2 };
const VARIANT = {
  id: 'fp32',
  file: 'model.onnx',
  sha256: '0'.repeat(64),
  bytes: 1,
  precision: 'fp32' as const,
  providers: ['cpu' as const],
  batch: { min: 1, max: 1 },
};
/** milliseconds per job: 50 per second in one setting, 80 in the other */
const JOB_MS = { latency: 20, throughput: 25 };

interface Changes {
  readonly throughput?: EngineSetting;
  readonly loadMs?: number;
}

/**
 * A pipeline around an elastic engine with simulated runners, which processes frames of two cameras on a fake clock.
 */
class World {
  readonly clock = new FakeClock();
  readonly handles: ServingHandle[] = [];
  readonly notices: PipelineNotice[] = [];
  readonly incidents: EngineIncident[] = [];
  readonly outOfOrder: string[] = [];
  readonly #last = new Map<string, number>();
  readonly engine: ElasticEngine;
  readonly pipeline: FramePipeline;
  readonly makers;
  /** runners created from now on cannot load the model */
  failsToLoad = false;

  constructor({ throughput = THROUGHPUT, loadMs = 300 }: Changes = {}) {
    const create = (setting: EngineSetting): RunnerPool => {
      const jobMs = setting.threads === 2 ? JOB_MS.latency : JOB_MS.throughput;
      return new RunnerPool({
        kind: 'worker',
        createHandle: () => {
          const handle = new ServingHandle(this.clock, { loadMs, jobMs });
          handle.failsToLoad = this.failsToLoad;
          this.handles.push(handle);
          return handle;
        },
        bundle: { name: 'tiny', version: '1.0.0', digest: 'd' },
        plan: () =>
          Promise.resolve({
            candidates: [
              { provider: 'cpu', fallbacks: [], variant: VARIANT, exactInt8: false, onlyAfterRefusal: false },
            ],
            refusals: [],
            foreignEngine: null,
            mismatches: [],
            choice: { how: 'only', why: 'there is no other', candidates: [], notes: [] },
            requestFor: ({ provider }) => ({ provider, threads: setting.threads }) as ModelRequest,
          }),
        preferred: 'cpu',
        strict: false,
        workers: setting.workers,
        queueDepth: setting.queueDepth,
        timeoutMs: 1000,
        startTimeoutMs: () => 5000,
        clock: this.clock,
        backoff: { firstMs: 100, capMs: 400, stableMs: 30_000 },
      });
    };
    this.engine = new ElasticEngine({
      open: async () => {
        const engine = create(LATENCY);
        const info = await engine.start();
        const choice = {
          latency: LATENCY,
          throughput,
          isProven: true,
          isMeasured: true,
          why: 'told so',
          measured: [],
        };
        return { engine, info, choice };
      },
      create,
      clock: this.clock,
    });
    this.engine.onIncident((incident) => this.incidents.push(incident));
    this.pipeline = new FramePipeline({
      engine: this.engine,
      manifest: MANIFEST,
      cameras: [{ name: 'a' }, { name: 'b' }],
      preprocess: 'graph',
      maxBatch: 1,
      clock: this.clock,
      sinks: [
        {
          name: 'publisher',
          deliver: ({ envelope: { camera, sequence } }) => {
            const last = this.#last.get(camera) ?? -1;
            if (sequence <= last) this.outOfOrder.push(`${camera}: ${sequence} after ${last}`);
            this.#last.set(camera, sequence);
          },
        },
      ],
      onNotice: (notice) => this.notices.push(notice),
    });
    this.makers = { a: new FrameMaker('a', this.clock), b: new FrameMaker('b', this.clock) };
  }

  async start(): Promise<this> {
    const started = this.pipeline.start();
    // the plan is made before a runner is created
    await settle();
    await this.clock.pass(1000);
    await started;
    this.pipeline.activate();
    return this;
  }

  /** Feeds frames of each camera at a rate per second. */
  async feed(seconds: number, rate: number, cameras: readonly ('a' | 'b')[] = ['a']): Promise<this> {
    const period = 1000 / rate;
    for (let left = seconds * 1000; left >= period; left -= period) {
      for (const camera of cameras) this.pipeline.offer(this.makers[camera].next(rawImage('rgb8', 64, 48)));
      this.expectLaw();
      await this.clock.pass(period);
    }
    return this;
  }

  expectLaw(): void {
    const { received, published, inFlight, drops } = this.pipeline.counts();
    const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
    expect(received).toBe(published + dropped + inFlight);
    expect(inFlight).toBe(this.pipeline.framesInFlight);
    expect(this.outOfOrder).toEqual([]);
  }

  get setting(): string {
    const { workers, threads, queueDepth } = this.pipeline.engineInfo ?? LATENCY;
    return `${workers}x${threads} d${queueDepth}`;
  }

  get alive(): number {
    return this.handles.filter(({ isAlive }) => isAlive).length;
  }

  reported(code: string): string[] {
    return this.notices.filter((notice) => notice.code === code).map(({ message }) => message);
  }

  async close(): Promise<void> {
    const closed = this.pipeline.close();
    await this.clock.pass(10_000);
    await closed;
    this.expectLaw();
    expect(this.pipeline.framesInFlight).toBe(0);
    expect(this.alive).toBe(0);
  }
}

describe('an elastic engine', () => {
  it('stays in its setting while it keeps up', async () => {
    const world = await (await new World().start()).feed(30, 40);
    expect([world.setting, world.handles.length]).toEqual(['1x2 d1', 1]);
    expect(world.pipeline.counts().drops).toEqual({});
    await world.close();
  });

  it('moves under pressure once the new sessions are warm, loses nothing, and closes the old ones', async () => {
    const world = await (await new World().start()).feed(1.5, 75);
    expect(world.setting).toBe('1x2 d1');
    // sessions are prepared during the two seconds
    await world.feed(0.4, 75);
    expect(world.handles.length).toBeGreaterThan(1);
    expect(world.handles[0]?.isAlive).toBe(true);
    await world.feed(1, 75);
    expect(world.setting).toBe('2x1 d2');
    expect(world.alive).toBe(2);
    // one image of the camera's shape for each runner, before the first frame
    expect(world.handles[1]?.runs[0]?.inputs[0]).toMatchObject({ kind: 'raw', encoding: 'rgb8', step: 192 });
    const before = world.pipeline.counts();
    await world.feed(5, 75);
    const after = world.pipeline.counts();
    expect(after.drops).toEqual(before.drops);
    expect(Object.keys(after.drops)).toEqual(['superseded']);
    expect(world.pipeline.snapshot().engineLost).toBe(0);
    expect(world.reported('ENGINE_SIZING')).toEqual([
      expect.stringMatching(
        /^moved to 2 workers x 1 thread, queue depth 2 \(throughput\): frames were superseded for 2\.\d s/,
      ),
    ]);
    expect(world.pipeline.engineInfo?.sizing).toMatchObject({
      role: 'throughput',
      moves: 1,
      latency: LATENCY,
    });
    await world.close();
  });

  it('moves back once the load has been low for long enough', async () => {
    const world = await (await (await new World().start()).feed(5, 75)).feed(8, 30);
    expect(world.setting).toBe('2x1 d2');
    const { drops } = world.pipeline.counts();
    await world.feed(8, 30);
    expect(world.setting).toBe('1x2 d1');
    expect(world.alive).toBe(1);
    expect(world.pipeline.counts().drops).toEqual(drops);
    expect(world.pipeline.engineInfo?.sizing).toMatchObject({ role: 'latency', moves: 2 });
    await world.close();
  });

  it('starts no sessions if the settings differ in queue depth only', async () => {
    const world = await new World({ throughput: { workers: 1, threads: 2, queueDepth: 2 } }).start();
    await world.feed(5, 75);
    expect([world.setting, world.handles.length, world.engine.parallel]).toEqual(['1x2 d2', 1, 2]);
    await world.feed(20, 20);
    expect([world.setting, world.handles.length, world.engine.parallel]).toEqual(['1x2 d1', 1, 1]);
    await world.close();
  });

  it('closes prepared sessions that turn out not to be needed', async () => {
    const world = await (await (await new World().start()).feed(1.5, 75)).feed(1, 30);
    expect(world.alive).toBe(3);
    await world.feed(40, 30);
    expect([world.alive, world.setting]).toEqual([1, '1x2 d1']);
    await world.close();
  });
});

describe('what goes wrong while it moves', () => {
  it('stays if a setting cannot be started, reports it, and tries again a minute later', async () => {
    const world = await new World().start();
    world.failsToLoad = true;
    await world.feed(6, 75);
    expect([world.setting, world.alive]).toEqual(['1x2 d1', 1]);
    expect(world.reported('ENGINE_SIZING')).toEqual([
      expect.stringMatching(
        /^stayed with 1 worker x 2 threads, .* could not be started: .*GOSHAWK_MODEL_UNREADABLE/,
      ),
    ]);
    world.failsToLoad = false;
    await world.feed(50, 75);
    expect(world.setting).toBe('1x2 d1');
    await world.feed(15, 75);
    expect(world.setting).toBe('2x1 d2');
    expect(world.incidents).toEqual([]);
    await world.close();
  });

  it('stays if a new runner ends before its first frame', async () => {
    const world = await (await new World({ loadMs: 100 }).start()).feed(1.8, 75);
    expect(world.alive).toBe(3);
    world.handles[1]?.crash();
    await world.feed(1, 75);
    expect(world.setting).toBe('1x2 d1');
    expect(world.incidents).toEqual([]);
    expect(world.pipeline.counts().drops).not.toHaveProperty('engine_lost');
    await world.close();
  });

  it('loses only its frame when a runner of the old sessions ends, and nothing is missing afterwards', async () => {
    const world = await (await new World().start()).feed(2, 75);
    for (let i = 0; i < 100 && world.setting === '1x2 d1'; i += 1) await world.feed(0.04, 75);
    world.handles[0]?.crash();
    await world.feed(2, 75);
    const { engineLost, engineRestored } = world.pipeline.snapshot();
    expect(engineRestored).toBe(engineLost);
    expect(world.pipeline.counts().drops.engine_lost ?? 0).toBeLessThanOrEqual(1);
    expect([world.setting, world.alive]).toEqual(['2x1 d2', 2]);
    await world.close();
  });

  it('a job waiting for the replacement of an old runner finishes there, and newer results wait', async () => {
    const world = await (await new World().start()).feed(1.9, 75);
    world.handles[0]?.crash();
    await world.feed(0.25, 75);
    expect(world.setting).toBe('2x1 d2');
    expect(world.alive).toBe(3);
    await world.feed(2, 75);
    const { drops } = world.pipeline.counts();
    expect(drops).toEqual({ superseded: drops.superseded, engine_lost: 1 });
    expect(world.alive).toBe(2);
    await world.close();
  });

  it.each([0.9, 1.3, 1.7, 2.1, 2.3])('closing after %d s of pressure ends every runner', async (seconds) => {
    const world = await (await new World().start()).feed(seconds, 75);
    await world.close();
  });

  it.each([1.3, 2.1])('deactivating after %d s of pressure loses nothing', async (seconds) => {
    const world = await (await new World().start()).feed(seconds, 75);
    const done = world.pipeline.deactivate();
    await world.clock.pass(5000);
    await done;
    expect(Object.keys(world.pipeline.counts().drops)).toEqual(['superseded']);
    world.pipeline.activate();
    await world.feed(5, 75);
    expect(world.setting).toBe('2x1 d2');
    await world.close();
  });

  it('closing while it starts', async () => {
    const world = new World();
    const started = world.pipeline.start().catch((error: unknown) => error);
    await world.clock.pass(100);
    await world.close();
    expect(await started).toBeInstanceOf(Error);
  });

  it('refuses a job before the start and returns its buffer', async () => {
    const pixels = new Uint8Array(12);
    const letterbox = letterboxFor(2, 2, 2, 2, 'center');
    const input = { kind: 'letterboxed', pixels, letterbox, encoding: 'rgb8', step: 6 } as const;
    const limits = { scoreThreshold: 0.3, iouThreshold: 0.5, maxDetections: 10, classFilter: null };
    const { items } = await new World().engine.infer([input], limits);
    expect(items).toEqual([expect.objectContaining({ ok: false, reason: 'inference_failed', pixels })]);
  });
});

const phase = fc.record({
  seconds: fc.double({ min: 0.1, max: 6, noNaN: true }),
  rate: fc.constantFrom(5, 30, 55, 75, 120),
  both: fc.boolean(),
});

describe('the invariant', () => {
  it('is true at every instant, results are in order, and moves lose nothing, whatever the load', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(phase, { minLength: 2, maxLength: 8 }), async (phases) => {
        const world = await new World().start();
        for (const { seconds, rate, both } of phases)
          await world.feed(seconds, rate, both ? ['a', 'b'] : ['a']);
        await world.feed(14, 10);
        expect(
          Object.keys(world.pipeline.counts().drops).filter((reason) => reason !== 'superseded'),
        ).toEqual([]);
        expect(world.incidents).toEqual([]);
        await world.close();
      }),
      { numRuns: 15 },
    );
  });

  it('is true while runners end at random, and only their frames in flight are lost', async () => {
    const crash = fc.record({ handle: fc.nat(20), fails: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(phase, crash), { minLength: 2, maxLength: 8 }), async (phases) => {
        const world = await new World().start();
        for (const [{ seconds, rate, both }, { handle, fails }] of phases) {
          world.failsToLoad = fails;
          await world.feed(seconds, rate, both ? ['a', 'b'] : ['a']);
          const living = world.handles.filter(({ isAlive }) => isAlive);
          living[handle % Math.max(1, living.length)]?.crash();
        }
        world.failsToLoad = false;
        await world.feed(20, 10);
        const reasons = Object.keys(world.pipeline.counts().drops);
        expect(reasons.filter((reason) => reason !== 'superseded' && reason !== 'engine_lost')).toEqual([]);
        const { engineLost, engineRestored } = world.pipeline.snapshot();
        expect(engineRestored).toBe(engineLost);
        await world.close();
      }),
      { numRuns: 15 },
    );
  });
});

it('no timers are left once everything has settled', async () => {
  const world = await (await new World().start()).feed(3, 75);
  await world.close();
  await settle();
  await world.clock.pass(60_000);
  expect(world.clock.timers).toBe(0);
});
