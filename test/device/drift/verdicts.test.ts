import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { driftReferenceSchema } from '../../../src/contract/drift-reference.ts';
import { statusSchema } from '../../../src/contract/status.ts';
import { driftBodySchema } from '../../../src/contract/telemetry/drift.ts';
import { eventSchema } from '../../../src/contract/telemetry/shapes.ts';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import { IMAGE_FEATURES } from '../../../src/core/drift/features.ts';
import type { DriftSummary } from '../../../src/core/drift/summary.ts';
import { ABSENT, BLOCK, BLOCK_FLOATS, PATCH_COUNT } from '../../../src/core/drift/frame-block.ts';
import type { LetterboxResize } from '../../../src/core/image/letterbox.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import { Drift } from '../../../src/device/drift/drift-part.ts';
import { openDriftReference } from '../../../src/device/drift/open-reference.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';
import type { PreprocessMode } from '../../../src/device/pipeline/frame/preprocess-mode.ts';
import { makeReference } from '../../../src/tools/drift/make-reference.ts';
import { ObservationSink, type Observed } from '../../../src/tools/drift/observation-sink.ts';
import { referenceOf } from '../../support/made-up-reference.ts';
import { FakeClock, MANIFEST } from '../pipeline/fakes.ts';
import { sessionOf } from '../runtime/fake-session.ts';

const DIGEST = 'a'.repeat(64);
const BUNDLE = { name: 'street', version: '1.0.0', digest: DIGEST };
const OF = referenceOf({ ...BUNDLE, thresholds: MANIFEST.thresholds }, DIGEST);
/** as a camera with raw frames is observed now; files of earlier versions state no kind of frames */
const RAW = { ...OF, settings: { ...OF.settings, frames: 'raw' } } as const;

/** The block of a frame of a made-up camera, with more noise if asked for. */
function blockOf(random: Random, noise = 0): Float32Array {
  const block = new Float32Array(BLOCK_FLOATS).fill(ABSENT, BLOCK.candidates, BLOCK.patches);
  IMAGE_FEATURES.forEach((name, i) => {
    block[i] = 0.4 + 0.02 * random.bell() + (name === 'noise' ? noise : 0);
  });
  for (let i = 0; i < PATCH_COUNT; i += 1) {
    block[BLOCK.patches + i] = 100 + 20 * random.next();
    block[BLOCK.roughness + i] = 1 + random.next() + 10 * noise;
  }
  return block;
}

/** Boxes as a detector publishes them that finds three to six of them. */
function someBoxes(random: Random, count = 3 + Math.floor(4 * random.next())): Detections {
  const detections = createDetections(count);
  for (let i = 0; i < count; i += 1) {
    const [x, y, size] = [40 * random.next(), 20 * random.next(), 6 + 6 * random.next()];
    detections.boxes.set([x, y, x + size, y + 2 * size], 4 * i);
    detections.scores[i] = 0.5 + 0.3 * random.next();
  }
  detections.count = count;
  return detections;
}

function resultOf(
  receivedAt: number,
  wallMs: number,
  statistics: Float32Array,
  bundleDigest = DIGEST,
  detections = createDetections(1),
  encoding = 'rgb8',
  mode: PreprocessMode = 'sharp',
): FrameResult {
  const stamp = { sec: Math.floor(wallMs / 1000), nanosec: Math.round((wallMs % 1000) * 1e6) };
  return {
    envelope: { camera: 'front', sequence: 1, stamp, receivedAt },
    detections,
    sourceWidth: 64,
    sourceHeight: 48,
    bundleDigest,
    statistics,
    encoding,
    mode,
  } as unknown as FrameResult;
}

/** Means of frames as a detector with tracking measures them. */
const MEASURES: DriftSummary = {
  frames: 1000,
  features: { brightness: 0.4, track_flicker: 0.1 },
  consistency: 0.5,
  reliability: 0.6,
  score: 0.7,
};

interface Observing {
  readonly hasBoxes?: boolean;
  readonly encoding?: string;
  readonly resize?: LetterboxResize;
  readonly modeOf?: (second: number) => PreprocessMode;
}

/** Good time is observed. */
function observe(
  seconds: number,
  { hasBoxes = false, encoding = 'rgb8', resize = 'bilinear', modeOf = () => 'sharp' }: Observing = {},
): Observed {
  const sink = new ObservationSink(resize, () => undefined);
  const random = createRandom(1);
  for (let i = 0; i < 2 * seconds; i += 1) {
    const boxes = hasBoxes ? someBoxes(random) : undefined;
    sink.deliver(resultOf(i * 500, i * 500, blockOf(random), DIGEST, boxes, encoding, modeOf(i / 2)));
  }
  return sink.observed();
}

const observed = (seconds: number, hasBoxes = false): readonly Float64Array[] =>
  observe(seconds, { hasBoxes }).rows;

describe('verdicts of the drift part', () => {
  let folder = '';
  const file = (name: string): string => join(folder, name);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-verdicts-'));
    const context = { name: 'day', rows: observed(200) };
    const write = (name: string, made: object): void => writeFileSync(file(name), JSON.stringify(made));
    const good = makeReference(RAW, context, null);
    write('good.json', good);
    write('earlier.json', makeReference(OF, context, null));
    write('rear.json', { ...good, camera: 'rear' });
    for (const frames of ['compressed', 'graph'] as const)
      write(`${frames}.json`, { ...good, settings: { ...good.settings, frames } });
    const withBoxes = { name: 'day', rows: observed(200, true), measures: MEASURES };
    const boxes = makeReference(RAW, withBoxes, null);
    write('boxes.json', boxes);
    write('tracked.json', { ...boxes, settings: { ...boxes.settings, tracking: true } });
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function watched(reference: string, cameras: readonly string[] = ['front']) {
    const clock = new FakeClock();
    clock.wall = 1_700_000_000_000;
    const sent: { readonly stream: string; readonly body: unknown }[] = [];
    const logged: string[] = [];
    const part = new Drift({ send: (stream, make) => void sent.push({ stream, body: make() }) }, clock, {
      windowSeconds: 60,
      reference: file(reference),
      falseAlarmsPerWeek: 1,
      log: (_level, line) => void logged.push(line),
    });
    await part.start();
    const session = { ...sessionOf(), cameras };
    const attachment = part.attach(session);
    const random = createRandom(3);
    const run = (
      seconds: number,
      noise = 0,
      digest = DIGEST,
      boxes = (): Detections => createDetections(1),
      encoding = 'rgb8',
      modeOf: (frame: number) => PreprocessMode = () => 'sharp',
    ): void => {
      for (let i = 0; i < 2 * seconds; i += 1) {
        clock.advance(500);
        void attachment.sink?.deliver(
          resultOf(
            clock.monotonicMs(),
            clock.wallMs(),
            blockOf(random, noise),
            digest,
            boxes(),
            encoding,
            modeOf(i),
          ),
          null,
        );
      }
    };
    const status = () => statusSchema.shape.drift.parse(part.status().drift);
    const events = () =>
      sent.filter(({ stream }) => stream === 'event').map(({ body }) => eventSchema.parse(body));
    const randomBoxes = () => someBoxes(random);
    const manyBoxes = () => someBoxes(random, 40);
    const { pipeline } = session;
    return { clock, part, attachment, run, sent, logged, status, events, pipeline, randomBoxes, manyBoxes };
  }

  it('are quiet without drift, and an alarm goes to events, status, metrics and messages', async () => {
    const { part, attachment, run, sent, status, events } = await watched('good.json');
    run(60);
    expect(status()?.verdicts?.['front']).toMatchObject({
      state: 'ok',
      since: null,
      features: [],
      cause: null,
    });
    expect(events()).toEqual([]);
    run(30, 0.5);
    expect(
      events()
        .map(({ kind }) => kind)
        .at(-1),
    ).toBe('drift_detected');
    expect(events().at(-1)).toMatchObject({ camera: 'front', severity: 'warning', frames: [1] });
    expect(events().at(-1)?.text).toContain('whether the model sees worse is not known');
    expect(status()?.verdicts?.['front']).toMatchObject({
      state: 'drifted',
      context: 'day',
      cause: { name: 'noise' },
    });
    const text = (await attachment.metrics?.text()) ?? '';
    expect(text).toContain('goshawk_drift_state{camera="front",state="drifted"} 1');
    expect(text).toMatch(/goshawk_drift_evidence_ratio\{camera="front"\} [1-9]/);
    part.stop();
    const window = driftBodySchema.parse(sent.findLast(({ stream }) => stream === 'drift')?.body);
    expect(window.cameras[0]?.verdict).toMatchObject({ state: 'drifted' });
    expect(JSON.stringify(window).length).toBeLessThan(6000);
  });

  it('compare boxes while the detector has the limits of the reference', async () => {
    const { run, status, logged, randomBoxes, manyBoxes } = await watched('boxes.json');
    run(60, 0, DIGEST, randomBoxes);
    expect(status()?.verdicts?.['front']?.state).toBe('ok');
    expect(status()?.uncompared).toBeUndefined();
    run(60, 0, DIGEST, manyBoxes);
    expect(status()?.verdicts?.['front']?.state).toBe('drifted');
    expect(logged).toEqual([]);
  });

  it.each([
    { score_threshold: 0.1 },
    { iou_threshold: 0.9 },
    { max_detections: 7 },
    { class_filter: ['car'] },
  ])(
    'do not compare boxes under other limits (%o), say so once, and still compare images',
    async (limits) => {
      const { run, status, events, logged, pipeline, manyBoxes } = await watched('boxes.json');
      pipeline.setLimits(limits);
      run(90, 0, DIGEST, manyBoxes);
      expect(events()).toEqual([]);
      expect(status()?.verdicts?.['front']).toMatchObject({ state: 'ok' });
      expect(status()?.uncompared?.code).toBe('GOSHAWK_DRIFT_REFERENCE_SETTINGS');
      expect(logged).toEqual([expect.stringContaining('GOSHAWK_DRIFT_REFERENCE_SETTINGS')]);
      expect(logged[0]).toContain(`and the detector runs with ${Object.keys(limits)[0]!}`);
      expect(logged[0]).toContain('boxes are not compared');
      run(30, 0.5, DIGEST, manyBoxes);
      expect(events().map(({ kind }) => kind)).toContain('drift_detected');
      const named = status()?.verdicts?.['front']?.features.map(({ feature }) => feature) ?? [];
      expect(named).toContain('noise');
      expect(named).not.toContain('boxes');
    },
  );

  it('go on in their state if limits change while frames flow', async () => {
    const { run, status, events, pipeline, randomBoxes, manyBoxes } = await watched('boxes.json');
    run(60, 0, DIGEST, randomBoxes);
    run(60, 0.5, DIGEST, randomBoxes);
    expect(status()?.verdicts?.['front']?.state).toBe('drifted');
    pipeline.overrideLimits({ score_threshold: 0.05 });
    const before = events().length;
    run(5, 0.5, DIGEST, manyBoxes);
    expect(status()?.verdicts?.['front']?.state).toBe('drifted');
    expect(events()).toHaveLength(before);
    pipeline.overrideLimits({});
    run(1, 0, DIGEST, randomBoxes);
    expect(status()?.uncompared).toBeUndefined();
  });

  it('compare all but tracks if only the tracking differs, and say so', async () => {
    const { run, status, logged, manyBoxes, randomBoxes } = await watched('tracked.json');
    run(30, 0, DIGEST, randomBoxes);
    expect(status()?.uncompared?.reason).toMatch(
      /made with tracking on, and the detector runs with tracking off: tracks are not compared/,
    );
    expect(logged).toHaveLength(1);
    run(60, 0, DIGEST, manyBoxes);
    expect(status()?.verdicts?.['front']?.state).toBe('drifted');
  });

  it('do not depend on the wall clock', async () => {
    const { clock, part, run, status, events } = await watched('good.json');
    run(40);
    clock.wall -= 86_400_000;
    part.look();
    run(40);
    expect(status()?.verdicts?.['front']?.state).toBe('ok');
    run(30, 0.5);
    expect(events().at(-1)?.kind).toBe('drift_detected');
  });

  it('take nothing from frames with values that are not numbers', async () => {
    const { clock, attachment, status } = await watched('good.json');
    for (let i = 0; i < 100; i += 1) {
      clock.advance(1000);
      const block = new Float32Array(BLOCK_FLOATS).fill(NaN);
      void attachment.sink?.deliver(resultOf(clock.monotonicMs(), clock.wallMs(), block), null);
    }
    expect(status()?.verdicts?.['front']?.state).toBe('ok');
  });

  it('call a constant image a fault of the sensor', async () => {
    const { clock, attachment, run, status, events } = await watched('good.json');
    run(40);
    for (let i = 0; i < 60; i += 1) {
      clock.advance(500);
      const block = new Float32Array(BLOCK_FLOATS).fill(ABSENT, BLOCK.candidates, BLOCK.patches);
      block.fill(128, BLOCK.patches);
      void attachment.sink?.deliver(resultOf(clock.monotonicMs(), clock.wallMs(), block), null);
    }
    expect(events().at(-1)).toMatchObject({ kind: 'drift_detected', values: { cause: 'sensor_fault' } });
    expect(status()?.verdicts?.['front']).toMatchObject({ state: 'drifted' });
  });

  it('of a camera stay as they were for a minute without frames, then end, whatever the others show', async () => {
    const { clock, part, attachment, sent, events, status } = await watched('good.json', ['front', 'rear']);
    const random = createRandom(5);
    const both = (seconds: number, names: readonly string[], noise: number): void => {
      for (let i = 0; i < seconds; i += 1) {
        clock.advance(1000);
        for (const camera of names) {
          const result = resultOf(clock.monotonicMs(), clock.wallMs(), blockOf(random, noise));
          void attachment.sink?.deliver({ ...result, envelope: { ...result.envelope, camera } }, null);
        }
        part.look();
      }
    };
    both(60, ['front', 'rear'], 0);
    both(40, ['rear'], 0.5);
    const lastSeen = new Date(clock.wallMs()).toISOString();
    both(60, ['front'], 0);
    expect(status()).toMatchObject({ verdicts: { rear: { state: 'drifted', at: lastSeen } }, silent: [] });
    both(1, ['front'], 0);
    expect(Object.keys(status()?.verdicts ?? {})).toEqual(['front']);
    expect(status()?.silent).toEqual(['rear']);
    expect(events().at(-1)).toMatchObject({ kind: 'drift_over', camera: 'rear' });
    both(180, ['front'], 0);
    const windows = sent.flatMap(({ stream, body }) =>
      stream === 'drift' ? [driftBodySchema.parse(body)] : [],
    );
    const newest = windows
      .at(-1)
      ?.cameras.map(({ camera, frames, verdict }) => [camera, frames, verdict?.state]);
    expect(newest).toEqual([
      ['front', 60, 'ok'],
      ['rear', 0, undefined],
    ]);
    both(2, ['front', 'rear'], 0);
    expect(status()).toMatchObject({ verdicts: { rear: { state: 'ok' } }, silent: [] });
  });

  it.each([
    ['of another bundle', 'good.json', 'b'.repeat(64), 'of bundle street@1.0.0'],
    ['of another camera', 'rear.json', DIGEST, 'of camera rear'],
  ])('are not given with a reference %s, and that is said once', async (_what, reference, digest, words) => {
    const { run, status, logged, events } = await watched(reference);
    run(30, 0.5, digest);
    expect(status()?.verdicts).toEqual({});
    expect(status()?.unjudged?.['front']?.code).toBe('GOSHAWK_DRIFT_REFERENCE_MISMATCH');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain(words);
    expect(events()).toEqual([]);
  });

  it.each([
    ['good.json', 'rgb8', 'jpeg', /frames that are raw, not of compressed: there are no verdicts/],
    ['compressed.json', 'png', 'nv12', /frames that are compressed, not of raw: there are no verdicts/],
  ])('with %s are given of frames in %s and not in %s', async (reference, alike, other, words) => {
    const { run, status, logged, events } = await watched(reference);
    run(30, 0, DIGEST, undefined, alike);
    expect(status()?.verdicts?.['front']?.state).toBe('ok');
    expect(status()?.unjudged).toEqual({});
    for (let i = 0; i < 2; i += 1) {
      run(30, 0.5, DIGEST, undefined, other);
      expect(status()?.verdicts).toEqual({});
      expect(status()?.unjudged?.['front']).toEqual({
        code: 'GOSHAWK_DRIFT_REFERENCE_MISMATCH',
        reason: expect.stringMatching(words) as string,
      });
      run(30, 0, DIGEST, undefined, alike);
      expect(status()?.unjudged).toEqual({});
    }
    expect(events()).toEqual([]);
    expect(logged).toHaveLength(1);
  });

  it('of a network that averages are given of frames that were resized alike', async () => {
    const { run, status, logged } = await watched('graph.json');
    // tried in turn, as at the start of each camera: frames that the graph did not resize show something else
    const inTurn = (frame: number): PreprocessMode => (frame % 2 === 0 ? 'sharp' : 'graph');
    run(20, 0, DIGEST, undefined, 'rgb8', inTurn);
    run(20, 0, DIGEST, undefined, 'rgb8', () => 'graph');
    expect(status()).toMatchObject({ verdicts: { front: { state: 'ok' } }, unjudged: {} });
    expect(logged).toEqual([]);
    run(20, 0, DIGEST, undefined, 'rgb8', () => 'sharp');
    expect(status()?.verdicts).toEqual({});
    expect(logged).toEqual([
      expect.stringMatching(
        /raw and resized inside the graph, not of raw and resized by sharp: there are no/,
      ),
    ]);
  });

  it('are given of all frames by a reference that does not state their kind', async () => {
    const { run, status, logged } = await watched('earlier.json');
    run(20, 0, DIGEST, undefined, 'jpeg');
    run(20, 0.5);
    expect(status()?.verdicts?.['front']?.state).toBe('drifted');
    expect(logged).toEqual([expect.stringContaining('does not state whether its frames were compressed')]);
  });

  it('end with the bundle that they are of, and so does its window; they begin anew when it returns', async () => {
    const { run, status, sent } = await watched('good.json');
    run(40);
    run(30, 0.5);
    const windows = (): number => sent.filter(({ stream }) => stream === 'drift').length;
    const before = windows();
    run(2, 0.5, 'b'.repeat(64));
    expect(windows()).toBe(before + 1);
    const { window } = driftBodySchema.parse(sent.findLast(({ stream }) => stream === 'drift')?.body);
    expect(Date.parse(window.end) % 60_000).not.toBe(0);
    expect(status()?.unjudged?.['front']?.code).toBe('GOSHAWK_DRIFT_REFERENCE_MISMATCH');
    run(10);
    expect(status()?.unjudged).toEqual({});
    expect(status()?.verdicts?.['front']?.state).toBe('ok');
  });

  it.each([
    ['GOSHAWK_FILE_UNREADABLE', 'absent.json', null],
    ['GOSHAWK_FILE_INVALID', 'text.json', 'no JSON'],
    ['GOSHAWK_FILE_INVALID', 'other.json', '{"schema":"goshawk.drift-reference/3"}'],
  ])('refuse a file by %s: %s', async (code, name, text) => {
    if (text !== null) writeFileSync(file(name), text);
    await expect(openDriftReference(file(name))).rejects.toMatchObject({ code });
    await expect(watched(name)).rejects.toMatchObject({ code });
  });

  it('refuse a reference whose probabilities do not fit its edges', async () => {
    const good = driftReferenceSchema.parse((await openDriftReference(file('good.json'))).reference);
    good.features.noise?.bins['day']?.probabilities.pop();
    writeFileSync(file('odd.json'), JSON.stringify(good));
    await expect(openDriftReference(file('odd.json'))).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_INVALID',
    });
  });
});

describe('a reference', () => {
  const context = (name: string) => ({ name, rows: observed(100) });

  it('gets another context by merging', () => {
    const one = makeReference(OF, context('day'), null);
    const both = makeReference(OF, context('night'), { file: 'one.json', reference: one });
    expect(driftReferenceSchema.parse(both).contexts.map(({ name }) => name)).toEqual(['day', 'night']);
    expect(Object.keys(both.features.noise?.bins ?? {})).toEqual(['day', 'night']);
    const again = makeReference(OF, context('day'), { file: 'both.json', reference: both });
    expect(again.contexts.map(({ name }) => name)).toEqual(['night', 'day']);
  });

  it('states with which limits it was made, and is not merged with one of others', () => {
    const one = makeReference(OF, context('day'), null);
    const limits = { score_threshold: 0.3, iou_threshold: 0.5, max_detections: 100, class_filter: [] };
    expect(driftReferenceSchema.parse(one).settings).toEqual({ tracking: false, ...limits });
    const other = { ...OF, settings: { ...OF.settings, score_threshold: 0.5 } };
    expect(() => makeReference(other, context('night'), { file: 'one.json', reference: one })).toThrow(
      /one\.json is of settings score_threshold 0\.3, not of score_threshold 0\.5/,
    );
    const images = { ...OF, settings: { ...OF.settings, tracking: null } };
    const merged = makeReference(images, context('images'), { file: 'one.json', reference: one });
    expect(merged.settings.tracking).toBe(false);
  });

  it('states how its frames came and were resized, and is not merged with one of other frames', () => {
    const { rows, preprocess, frames } = observe(60, { encoding: 'jpeg' });
    expect({ preprocess, frames }).toEqual({ preprocess: { sharp: 60, graph: 0 }, frames: 'compressed' });
    const modeOf = (second: number): PreprocessMode => (second < 3 ? 'sharp' : 'graph');
    expect(observe(100, { modeOf })).toMatchObject({
      frames: 'raw',
      preprocess: { sharp: 3, graph: 97 },
      leftOut: 0,
    });
    const averaged = observe(100, { modeOf, resize: 'average' });
    expect(averaged).toMatchObject({ frames: 'graph', preprocess: { sharp: 0, graph: 97 }, leftOut: 3 });
    expect(averaged.rows).toHaveLength(97);
    const of = { ...OF, settings: { ...OF.settings, frames } };
    const one = makeReference(of, { name: 'day', rows, preprocess }, null);
    const { settings, contexts } = driftReferenceSchema.parse(one);
    expect([settings.frames, contexts[0]?.preprocess]).toEqual(['compressed', { sharp: 60, graph: 0 }]);
    const open = { file: 'one.json', reference: one };
    expect(() => makeReference(RAW, context('night'), open)).toThrow(
      /one\.json is of frames that are compressed, not of raw/,
    );
  });

  it('of a camera and of images states the frames of the camera, if it is known to have no others', () => {
    const short = (name: string) => ({ name, rows: observed(60) });
    const ofImages = { ...OF, settings: { ...OF.settings, tracking: null } };
    const images = makeReference(ofImages, short('images'), null);
    const both = makeReference(RAW, short('day'), { file: 'images.json', reference: images });
    expect(both.settings.frames).toBe('raw');
    const again = makeReference(ofImages, short('images'), { file: 'both.json', reference: both });
    expect(again.settings.frames).toBe('raw');
    const earlier = { file: 'old.json', reference: makeReference(OF, short('day'), null) };
    expect(makeReference(RAW, short('night'), earlier).settings).not.toHaveProperty('frames');
  });

  it('is refused if it is too short, or merged with one of another bundle', () => {
    const short = { name: 'day', rows: observed(30) };
    expect(() => makeReference(OF, short, null)).toThrow(/30 observations/);
    const one = makeReference(OF, context('day'), null);
    const other = { ...BUNDLE, digest: 'c'.repeat(64) };
    expect(() =>
      makeReference({ ...OF, bundle: other }, context('night'), { file: 'one.json', reference: one }),
    ).toThrow(/one\.json is of bundle street@1\.0\.0/);
  });
});
