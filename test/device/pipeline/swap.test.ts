import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetections } from '../../../src/core/detections.ts';
import type {
  DecodeLimits,
  EngineInfo,
  InferenceInput,
  InferenceOutcome,
} from '../../../src/device/inference/engine.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';
import type { NextModel } from '../../../src/device/pipeline/pipeline-options.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import type { PreprocessPreference } from '../../../src/device/pipeline/preprocess-choice.ts';
import {
  FakeClock,
  FakeEngine,
  FrameMaker,
  MANIFEST,
  rawImage,
  settle,
  turns,
  type JobFate,
} from './fakes.ts';

/** An engine of a bundle of its own, which may be slow to start. */
class NamedEngine extends FakeEngine {
  readonly digest: string;
  loading: Promise<void> = Promise.resolve();
  failure: Error | null = null;

  constructor(digest: string) {
    super();
    this.digest = digest;
    this.acceptsRaw = true;
  }

  override async start(): Promise<EngineInfo> {
    await this.loading;
    if (this.failure !== null) throw this.failure;
    const info = await super.start();
    return { ...info, bundle: { ...info.bundle, digest: this.digest } };
  }
}

/** An engine that cannot resize an image inside its graph. */
class RawlessEngine extends NamedEngine {
  override infer(inputs: readonly InferenceInput[], limits: DecodeLimits): Promise<InferenceOutcome> {
    this.isManual = true;
    const outcome = super.infer(inputs, limits);
    this.finish(0, inputs.some(({ kind }) => kind === 'raw') ? 'failed' : 'ok');
    return outcome;
  }
}

const nextOf = (engine: FakeEngine, change: Partial<NextModel> = {}): NextModel => ({
  engine,
  manifest: MANIFEST,
  limits: () => ({}),
  ...change,
});

const CAMERAS = ['front', 'rear'];

/** An active pipeline of two cameras with engine `a`, and what it published. */
async function rig(preprocess: PreprocessPreference = 'graph') {
  const clock = new FakeClock();
  const engine = new NamedEngine('a');
  engine.isManual = true;
  const notices: string[] = [];
  const published: { camera: string; sequence: number; digest: string; track: number | undefined }[] = [];
  const pipeline = new FramePipeline({
    engine,
    manifest: MANIFEST,
    cameras: CAMERAS.map((name) => ({ name })),
    preprocess,
    tracking: true,
    clock,
    onNotice: ({ code, message }) => void notices.push(`${code} ${message}`),
    sinks: [
      {
        name: 'publisher',
        deliver: ({ envelope: { camera, sequence }, bundleDigest: digest, detections }: FrameResult) => {
          const track = detections.count > 0 ? detections.tracks[0] : undefined;
          published.push({ camera, sequence, digest, track });
        },
      },
    ],
  });
  await pipeline.start();
  pipeline.activate();
  const makers = new Map(CAMERAS.map((name) => [name, new FrameMaker(name, clock)]));
  const offer = (camera = 'front'): void => {
    clock.advance(33);
    pipeline.offer(makers.get(camera)!.next(rawImage('rgb8', 160, 144)));
  };
  return { clock, engine, pipeline, published, notices, offer };
}

const dropsOf = (pipeline: FramePipeline): number =>
  Object.values(pipeline.counts().drops).reduce((sum, count) => sum + count, 0);

function expectLaw(pipeline: FramePipeline): void {
  const { received, published, inFlight } = pipeline.counts();
  expect(received).toBe(published + dropsOf(pipeline) + inFlight);
  expect(inFlight).toBe(pipeline.framesInFlight);
}

describe('swap', () => {
  it('loads and warms the other model while frames go on, then gives it the next frame', async () => {
    const { engine, pipeline, published, offer } = await rig();
    const other = new NamedEngine('b');
    let loaded = (): void => undefined;
    other.loading = new Promise((resolve) => (loaded = resolve));
    offer();
    engine.finish(0, 'ok');
    const swapping = pipeline.swap(nextOf(other));
    await turns();
    offer();
    engine.finish(0, 'ok');
    await turns();
    expect(other.seen).toHaveLength(0);
    loaded();
    await swapping;
    expect(other.seen.map(([input]) => input?.kind)).toEqual(['raw']);
    offer();
    await turns();
    expect(published.map(({ digest }) => digest)).toEqual(['a', 'a', 'b']);
    expect(pipeline.engineInfo?.bundle.digest).toBe('b');
    expect(engine.isClosed).toBe(true);
    expect(dropsOf(pipeline)).toBe(0);
  });

  it('keeps order: a frame of the other model waits for those before it', async () => {
    const { engine, pipeline, published, offer } = await rig();
    const other = new NamedEngine('b');
    offer();
    const swapping = pipeline.swap(nextOf(other));
    await turns();
    offer();
    await turns();
    expect([published, engine.isClosed]).toEqual([[], false]);
    engine.finish(0, 'ok');
    await swapping;
    await turns();
    expect(published.map(({ sequence, digest }) => [sequence, digest])).toEqual([
      [0, 'a'],
      [1, 'b'],
    ]);
  });

  it('goes on with the tracks', async () => {
    const { engine, pipeline, published, offer } = await rig();
    const other = new NamedEngine('b');
    const one = () => {
      const detections = createDetections(1);
      detections.count = 1;
      detections.boxes.set([10, 10, 60, 60]);
      detections.scores[0] = 0.9;
      return detections;
    };
    engine.detect = one;
    other.detect = one;
    engine.isManual = false;
    for (let i = 0; i < 4; i += 1) {
      offer();
      await turns();
    }
    await pipeline.swap(nextOf(other));
    offer();
    await turns();
    const tracks = published.map(({ track }) => track);
    expect(tracks).toHaveLength(5);
    expect(tracks.at(-1)).toBe(tracks.at(-2));
    expect(tracks.at(-1)).toBeGreaterThan(0);
  });

  it('takes the thresholds of the other bundle, those of the operator, and what was laid over them', async () => {
    const { pipeline } = await rig();
    pipeline.overrideLimits({ iou_threshold: 0.9 });
    const thresholds = { score: 0.7, iou: 0.6, maxDetections: 5 };
    const manifest = { ...MANIFEST, thresholds };
    await pipeline.swap(nextOf(new NamedEngine('b'), { manifest, limits: () => ({ max_detections: 8 }) }));
    expect(pipeline.limits).toMatchObject({ score_threshold: 0.7, iou_threshold: 0.9, max_detections: 8 });
    pipeline.overrideLimits({});
    expect(pipeline.limits.iou_threshold).toBe(0.6);
  });

  it('takes a network of another size', async () => {
    const { engine, pipeline, offer } = await rig();
    const other = new NamedEngine('b');
    engine.isManual = false;
    offer();
    await turns();
    const input = { ...MANIFEST.input, width: 128, height: 96 };
    await pipeline.swap(nextOf(other, { manifest: { ...MANIFEST, input } }));
    offer();
    await turns();
    expect(other.seen.at(-1)?.[0]?.letterbox).toMatchObject({ inputWidth: 128, inputHeight: 96 });
    expect(dropsOf(pipeline)).toBe(0);
  });

  describe('to a model whose graph cannot resize what the cameras send', () => {
    it('goes on with sharp, says so, and loses no frame for it', async () => {
      const { engine, pipeline, published, notices, offer } = await rig('auto');
      engine.isManual = false;
      offer();
      await turns();
      await pipeline.swap(nextOf(new RawlessEngine('b')));
      for (let i = 0; i < 6; i += 1) {
        offer();
        await settle(() => published.length === i + 2);
      }
      expect([published.at(-1)?.digest, dropsOf(pipeline)]).toEqual(['b', 0]);
      expect(pipeline.snapshot().cameras['front']?.preprocess).toEqual({
        mode: 'sharp',
        why: 'the graph failed on 160x144 rgb8: failed',
      });
      expect(notices).toEqual([expect.stringMatching(/^PREPROCESS_CHOSEN front: sharp .*failed/)]);
    });

    it('leaves the next model free to choose', async () => {
      const { engine, pipeline, offer } = await rig('auto');
      engine.isManual = false;
      offer();
      await turns();
      await pipeline.swap(nextOf(new RawlessEngine('b')));
      await pipeline.swap(nextOf(new NamedEngine('c')));
      expect(pipeline.snapshot().cameras['front']?.preprocess).toBeNull();
    });

    it('is refused if the operator asked for the graph', async () => {
      const { engine, pipeline, offer } = await rig('graph');
      engine.isManual = false;
      offer();
      await turns();
      await expect(pipeline.swap(nextOf(new RawlessEngine('b')))).rejects.toMatchObject({
        code: 'GOSHAWK_INFERENCE_FAILED',
      });
    });
  });

  it.each([
    ['another class', ['person', 'truck'], /truck is in the place of car/],
    ['fewer', ['person'], /1 classes.*2/],
    ['more', ['person', 'car', 'bus'], /3 classes.*2/],
  ])('refuses %s', async (_words, labels, reason) => {
    const { engine, pipeline } = await rig();
    const other = new NamedEngine('b');
    await expect(pipeline.swap(nextOf(other, { manifest: { ...MANIFEST, labels } }))).rejects.toMatchObject({
      code: 'GOSHAWK_SWAP_LABELS',
      message: expect.stringMatching(reason) as string,
    });
    expect([other.isClosed, engine.isClosed]).toEqual([true, false]);
  });

  it('goes on with the model that runs if the other one cannot be loaded, and may try again', async () => {
    const { engine, pipeline, published, offer } = await rig();
    engine.isManual = false;
    const broken = new NamedEngine('b');
    broken.failure = new Error('no such file');
    await expect(pipeline.swap(nextOf(broken))).rejects.toThrow('no such file');
    offer();
    await turns();
    expect([published.at(-1)?.digest, broken.isClosed]).toEqual(['a', true]);
    await pipeline.swap(nextOf(new NamedEngine('c')));
    offer();
    await turns();
    expect(published.at(-1)?.digest).toBe('c');
  });

  it.each([
    ['and is not back, so that it does not run', 'lost'],
    ['though one is back meanwhile', 'ok'],
  ] as const)('refuses a model that lost a runner before its first frame, %s', async (_words, fate) => {
    const { engine, pipeline, published, offer } = await rig();
    engine.isManual = false;
    offer();
    await turns();
    const other = new NamedEngine('b');
    other.isManual = true;
    const swapping = pipeline.swap(nextOf(other)).catch((error: unknown) => error);
    await settle(() => other.pending.length === 1);
    other.incident({ kind: 'lost', code: 'GOSHAWK_ENGINE_CRASHED', message: 'it was ended', lostJobs: 1 });
    other.finish(0, fate);
    expect(await swapping).toMatchObject({
      code: 'GOSHAWK_SWAP_LOST',
      message: expect.stringMatching(/^bundle fake@1\.0\.0 .*GOSHAWK_ENGINE_CRASHED: it was ended/) as string,
    });
    offer();
    await turns();
    expect([published.map(({ digest }) => digest), other.isClosed]).toEqual([['a', 'a'], true]);
    expect([dropsOf(pipeline), pipeline.snapshot().engineLost]).toEqual([0, 0]);
  });

  it('closes both engines if it is closed while the other one loads', async () => {
    const { engine, pipeline } = await rig();
    const other = new NamedEngine('b');
    let loaded = (): void => undefined;
    other.loading = new Promise((resolve) => (loaded = resolve));
    const swapping = pipeline.swap(nextOf(other));
    await turns();
    const closing = pipeline.close();
    loaded();
    await expect(swapping).rejects.toMatchObject({ code: 'GOSHAWK_INTERNAL' });
    await closing;
    expect([engine.isClosed, other.isClosed]).toEqual([true, true]);
  });

  it('is not closed before the engine that was replaced is', async () => {
    const { engine, pipeline } = await rig();
    let ended = (): void => undefined;
    const end = new Promise<void>((resolve) => (ended = resolve));
    engine.close = () => end;
    const swapping = pipeline.swap(nextOf(new NamedEngine('b')));
    await turns();
    expect(pipeline.engineInfo?.bundle.digest).toBe('b');
    let isClosed = false;
    const closing = pipeline.close().then(() => (isClosed = true));
    await turns();
    expect(isClosed).toBe(false);
    ended();
    await Promise.all([swapping, closing]);
  });

  it('forgets what the other engine lost: it is gone, and nothing is missing', async () => {
    const { engine, pipeline } = await rig();
    const lost = { kind: 'lost', code: 'GOSHAWK_ENGINE_CRASHED', message: 'x', lostJobs: 0 } as const;
    engine.incident(lost);
    await pipeline.swap(nextOf(new NamedEngine('b')));
    engine.incident(lost);
    expect(pipeline.snapshot()).toMatchObject({ engineLost: 1, engineRestored: 1 });
  });

  it('accounts for every frame and keeps each camera in order, whatever happens meanwhile', async () => {
    const fate = fc.constantFrom<JobFate>('ok', 'ok', 'ok', 'failed', 'nan', 'lost', 'short', 'reject');
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ what: fc.constant('offer' as const), camera: fc.constantFrom(...CAMERAS) }),
      },
      { weight: 4, arbitrary: fc.record({ what: fc.constant('finish' as const), fate }) },
      { weight: 1, arbitrary: fc.constant({ what: 'swap' } as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { engine, pipeline, published, offer } = await rig();
        const engines = [engine];
        const swaps: Promise<unknown>[] = [];
        for (const one of steps) {
          if (one.what === 'offer') offer(one.camera);
          else if (one.what === 'finish')
            engines.find(({ pending }) => pending.length > 0)?.finish(0, one.fate);
          else {
            const next = new NamedEngine(`${String(engines.length)}`);
            next.isManual = true;
            engines.push(next);
            swaps.push(pipeline.swap(nextOf(next)).catch(() => undefined));
          }
          await turns(2);
          expectLaw(pipeline);
        }
        for (let i = 0; i < 200 && engines.some(({ pending }) => pending.length > 0); i += 1) {
          for (const one of engines) one.finish(0, 'ok');
          await turns(2);
        }
        await Promise.all(swaps);
        await pipeline.close();
        expectLaw(pipeline);
        expect(pipeline.framesInFlight).toBe(0);
        for (const camera of CAMERAS) {
          const sequences = published.filter((one) => one.camera === camera).map(({ sequence }) => sequence);
          expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
        }
      }),
      { numRuns: 40 },
    );
  });
});
