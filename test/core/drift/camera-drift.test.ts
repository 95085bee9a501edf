import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { driftBodySchema } from '../../../src/contract/telemetry/drift.ts';
import { createDetections } from '../../../src/core/detections.ts';
import { addCameras, mergeCameras, type CameraDrift } from '../../../src/core/drift/camera-drift.ts';
import { CameraWindow } from '../../../src/core/drift/camera-window.ts';
import { countOf } from '../../../src/core/edge-histogram.ts';
import { FeatureHistogram } from '../../../src/core/drift/feature-counts.ts';
import { FEATURE_NAMES, FEATURES } from '../../../src/core/drift/features.ts';
import { ABSENT, BLOCK, BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import { ACCURACY_STATES } from '../../../src/core/drift/window-accuracy.ts';
import { DRIFT_STATES } from '../../../src/core/drift/window-verdict.ts';
import { summaryOf } from '../../../src/core/drift/summary.ts';

const LABELS = ['person', 'car', 'constructor'];

/** What one frame shows. */
const frame = fc.record({
  late: fc.nat(2),
  values: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 11, maxLength: 11 }),
  hasNms: fc.boolean(),
  inGraph: fc.boolean(),
  kept: fc.nat(9),
  consistency: fc.double({ min: 0, max: 9, noNaN: true }),
  track: fc.double({ min: 0, max: 600, noNaN: true }),
  classes: fc.array(fc.nat(2), { maxLength: 4 }),
});
type Frame = typeof frame extends fc.Arbitrary<infer F> ? F : never;

function blockOf({ values, hasNms, kept, consistency }: Frame): Float32Array {
  const block = new Float32Array(BLOCK_FLOATS);
  block.set(values);
  block.fill(ABSENT, BLOCK.candidates, BLOCK.patches);
  if (!hasNms) return block;
  block[BLOCK.candidates] = 3 * kept;
  block[BLOCK.kept] = kept;
  block[BLOCK.consistency] = consistency;
  block[BLOCK.reliable] = consistency / 2;
  block[BLOCK.overlapping] = consistency;
  block[BLOCK.scored] = kept;
  block[BLOCK.scores] = kept / 2;
  return block;
}

function windowOf(frames: readonly Frame[], camera = 'front'): CameraDrift {
  const window = new CameraWindow();
  let late = 0;
  for (const one of frames) {
    late += one.late;
    window.noteBlock(blockOf(one), one.inGraph);
    const detections = createDetections(4);
    one.classes.forEach((label, i) => {
      detections.boxes.set([i, 2 * i, 10 + i, 30], 4 * i);
      detections.scores[i] = 0.5;
      detections.classes[i] = label;
    });
    detections.count = one.classes.length;
    window.noteBoxes(detections, 64, 48);
    window.note('track_seconds', one.track);
  }
  return window.read(camera, LABELS, { late, duplicate: 0 });
}

const frames = fc.array(frame, { maxLength: 6 });

const at = fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z');
const share = fc.constantFrom(0, 0.5, 1);

/** What is known of a camera when a window ends; windows of earlier versions have no scores. */
const known = fc.record({
  verdict: fc.option(fc.record({ at, state: fc.constantFrom(...DRIFT_STATES), evidence: share }), {
    nil: undefined,
  }),
  accuracy: fc.option(fc.record({ at, state: fc.constantFrom(...ACCURACY_STATES), share }), {
    nil: undefined,
  }),
  labeled: fc.option(fc.record({ at, frames: fc.nat(3), ap: share }), { nil: undefined }),
  hasScore: fc.boolean(),
});

/** A window with what was known at its end. */
const knownWindow = fc.tuple(frames, known).map(([list, { hasScore, ...rest }]): CameraDrift => {
  const window = windowOf(list);
  const { agreement: whole } = window;
  const older = whole && { consistency: whole.consistency, reliability: whole.reliability };
  const agreement = hasScore ? whole : older;
  const extras = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { ...window, ...extras, agreement };
});

describe('windows', () => {
  it('add up to the window of all their frames, in any order', () => {
    fc.assert(
      fc.property(frames, frames, frames, (a, b, c) => {
        const [first, second, third] = [windowOf(a), windowOf(b), windowOf(c)];
        const whole = windowOf([...a, ...b, ...c]);
        expect(addCameras(addCameras(first, second), third)).toEqual(whole);
        expect(addCameras(first, addCameras(second, third))).toEqual(whole);
        expect(addCameras(third, addCameras(second, first))).toEqual(whole);
        expect(addCameras(first, windowOf([]))).toEqual(first);
      }),
    );
  });

  it('add up in any order with verdicts, estimates and labels, of the same time as well', () => {
    fc.assert(
      fc.property(knownWindow, knownWindow, knownWindow, (a, b, c) => {
        const whole = addCameras(addCameras(a, b), c);
        expect(addCameras(a, addCameras(b, c))).toEqual(whole);
        expect(addCameras(addCameras(c, a), b)).toEqual(whole);
        expect(addCameras(a, a).verdict).toEqual(a.verdict);
        expect(addCameras(a, windowOf([]))).toEqual(a);
      }),
    );
  });

  it('of several cameras stay apart', () => {
    fc.assert(
      fc.property(frames, frames, (a, b) => {
        const [front, rear] = [windowOf(a, 'front'), windowOf(b, 'rear')];
        expect(mergeCameras([rear], [front])).toEqual([front, rear]);
        expect(mergeCameras([front, rear], [front])).toEqual([addCameras(front, front), rear]);
      }),
    );
  });

  it('follow the schema, with the labels of the model as they are', () => {
    fc.assert(
      fc.property(frames, (list) => {
        const cameras = JSON.parse(JSON.stringify([windowOf(list)])) as unknown;
        const window = { start: '2026-01-01T00:00:00.000Z', end: '2026-01-01T00:01:00.000Z' };
        const parsed = driftBodySchema.parse({ window, bundle: null, table: 1, cameras });
        expect(parsed.cameras).toEqual([windowOf(list)]);
      }),
    );
  });

  it('have the means of their frames', () => {
    const [one] = fc.sample(frame, { numRuns: 1, seed: 3 });
    if (one === undefined) throw new Error('no frame');
    const bright = { ...one, hasNms: true, kept: 2, consistency: 1, values: one.values.map(() => 0.75) };
    const dark = { ...bright, kept: 2, consistency: 0, values: one.values.map(() => 0.25) };
    const mixed = windowOf([
      { ...bright, inGraph: true },
      { ...dark, inGraph: false },
    ]);
    expect(mixed).toMatchObject({ frames: 2, inGraph: 1 });
    expect(summaryOf(mixed)).toMatchObject({
      frames: 2,
      features: { brightness: 0.5, contrast: 0.5, candidates: 6 },
      consistency: 0.25,
      reliability: 0.5,
      score: 0.5,
    });
    expect(summaryOf(windowOf([]))).toEqual({
      frames: 0,
      features: {},
      consistency: null,
      reliability: null,
      score: null,
    });
  });
});

describe('histograms', () => {
  it.each(FEATURE_NAMES)('of %s have ascending edges within its range, fewer than 64', (name) => {
    const { edges, range } = FEATURES[name];
    expect(edges.length).toBeLessThan(64);
    expect(edges.every((edge, i) => edge > (edges[i - 1] ?? -Infinity))).toBe(true);
    expect(edges[0]).toBeGreaterThanOrEqual(range[0]);
    expect(edges.at(-1)).toBeLessThan(range[1]);
  });

  it('count every number once, and what was not measured never', () => {
    const histogram = new FeatureHistogram('brightness');
    for (const value of [NaN, ABSENT, -Infinity, Infinity]) histogram.note(value);
    expect(histogram.read()).toBeNull();
    for (const value of [0, 0.5, 1]) histogram.note(value);
    const counts = histogram.read();
    expect(counts).toMatchObject({ first: 0, sum: 1_500_000 });
    expect(counts === null ? 0 : countOf(counts)).toBe(3);
  });
});
