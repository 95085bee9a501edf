import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ACCURACY_FIT_FILE, accuracyFitSchema } from '../../../src/contract/accuracy-fit.ts';
import { statusSchema } from '../../../src/contract/status.ts';
import { driftBodySchema } from '../../../src/contract/telemetry/drift.ts';
import { eventSchema } from '../../../src/contract/telemetry/shapes.ts';
import { createDetections } from '../../../src/core/detections.ts';
import { FEATURE_TABLE_VERSION } from '../../../src/core/drift/features.ts';
import { BLOCK, BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import { Drift } from '../../../src/device/drift/drift-part.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';
import { judgementsOf } from '../../../src/device/policy/judgements.ts';
import { FakeClock } from '../pipeline/fakes.ts';
import { sessionOf } from '../runtime/fake-session.ts';

const DIGEST = 'a'.repeat(64);
const errors = { samples: 10, meanAbsolute: 0.05, low: -0.1, high: 0.1, rankCorrelation: 0.9 };
const untracked = { regressors: [{ name: 'score', weight: 2 }], errors, worseBelow: 0.7 };
const MODELS = { tracked: null, untracked };
const clean = { frames: 100, features: {}, consistency: 0.3, reliability: 0.9, score: 0.7 };
const FIT = accuracyFitSchema.parse({
  schema: 'goshawk.accuracy-fit/1',
  madeAt: '2026-01-01T00:00:00.000Z',
  table: FEATURE_TABLE_VERSION,
  bundle: { name: 'street', version: '1.0.0', digest: DIGEST },
  pictures: { source: 'made up', digest: DIGEST, mixes: { few: { pictures: 10, ap: 0.5 } } },
  corruptions: ['fog', 'snow'],
  strengths: 5,
  baseline: { graph: clean, sharp: clean },
  own: MODELS,
  others: MODELS,
});

/** The slowest machine reads the fit within this. */
const WAITING = { timeout: 60_000 };

describe('estimated accuracy', () => {
  let root = '';
  const folderOf = (name: string): string => join(root, name);

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'goshawk-accuracy-'));
    const write = (name: string, content: string): void => {
      mkdirSync(folderOf(name));
      writeFileSync(join(folderOf(name), ACCURACY_FIT_FILE), content);
    };
    write('good', JSON.stringify(FIT));
    write('other', JSON.stringify({ ...FIT, bundle: { ...FIT.bundle, digest: 'b'.repeat(64) } }));
    write('old', JSON.stringify({ ...FIT, table: FEATURE_TABLE_VERSION + 1 }));
    write('broken', '{"schema":');
    write('wrong', JSON.stringify({ ...FIT, own: { ...MODELS, untracked: { regressors: [] } } }));
    mkdirSync(folderOf('none'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** A part whose windows of 10 s have 300 frames with boxes of a mean score. */
  async function watched(folder: string) {
    const clock = new FakeClock();
    clock.wall = 1_700_000_000_000;
    const sent: { readonly stream: string; readonly body: unknown }[] = [];
    const part = new Drift({ send: (stream, make) => void sent.push({ stream, body: make() }) }, clock, {
      windowSeconds: 10,
      reference: '',
      falseAlarmsPerWeek: 1,
      log: () => undefined,
    });
    const attachment = part.attach({ ...sessionOf(), bundle: { folder: folderOf(folder), digest: DIGEST } });
    const run = (seconds: number, score: number): void => {
      for (let i = 0; i < 30 * seconds; i += 1) {
        clock.advance(1000 / 30);
        void attachment.sink?.deliver(frameOf(clock, score), null);
        if (i % 30 === 29) part.look();
      }
      clock.advance(1_000);
      part.look();
    };
    const windows = () =>
      sent.filter(({ stream }) => stream === 'drift').map(({ body }) => driftBodySchema.parse(body));
    const events = () =>
      sent.filter(({ stream }) => stream === 'event').map(({ body }) => eventSchema.parse(body));
    // the fit is read while the first windows are counted
    await vi.waitFor(() => {
      run(10, 0.7);
      const accuracy = windows().at(-1)?.cameras[0]?.accuracy;
      expect(accuracy).toBeDefined();
      expect(accuracy?.reason ?? '').not.toMatch(/being read|frames/);
    }, WAITING);
    return { part, clock, attachment, run, windows, events };
  }

  it('goes into windows, status and metrics, and an event says that the model sees worse', async () => {
    const { part, attachment, run, windows, events } = await watched('good');
    run(40, 0.5);
    const [first, second] = windows().slice(-2);
    expect(first?.cameras[0]?.accuracy).toMatchObject({ baseline: 'bundle', reason: null });
    expect(second?.cameras[0]?.accuracy?.state).toBe('worse');
    expect(second?.cameras[0]?.accuracy?.share).toBeCloseTo(0.6, 3);
    const status = statusSchema.shape.drift.parse(part.status().drift);
    expect(status?.accuracy?.['front']).toMatchObject({ state: 'worse' });
    const text = (await attachment.metrics?.text()) ?? '';
    expect(text).toMatch(/goshawk_estimated_ap_share\{camera="front",value="estimate"\} 0\.(6|59999)/);
    expect(text).toContain('goshawk_estimated_accuracy_state{camera="front",state="worse"} 1');
    expect(events().map(({ kind, severity }) => [kind, severity])).toEqual([['accuracy_worse', 'warning']]);
    run(40, 0.7);
    expect(events().map(({ kind }) => kind)).toEqual(['accuracy_worse', 'accuracy_over']);
    part.stop();
  });

  it('is known no longer once the camera has sent nothing for a minute', async () => {
    const { part, clock, run, windows, events } = await watched('good');
    run(40, 0.5);
    expect(windows().at(-1)?.cameras[0]?.accuracy?.state).toBe('worse');
    for (let i = 0; i < 70; i += 1) {
      clock.advance(1000);
      part.look();
    }
    expect(events().map(({ kind }) => kind)).toEqual(['accuracy_worse', 'accuracy_over']);
    expect(windows().at(-1)?.cameras[0]?.accuracy?.state).toBe('unavailable');
    const { drift = null } = part.status();
    expect([judgementsOf(drift), drift?.silent]).toEqual([[], ['front']]);
    run(40, 0.5);
    expect(events().map(({ kind }) => kind)).toEqual(['accuracy_worse', 'accuracy_over', 'accuracy_worse']);
    part.stop();
  });

  it('is no recovery to a policy when the model goes blind', async () => {
    const { part, attachment, run, events } = await watched('good');
    run(40, 0.5);
    run(40, 0);
    const { drift = null } = part.status();
    expect(drift?.accuracy?.['front']).toMatchObject({ state: 'worse', share: null });
    expect(judgementsOf(drift)).toMatchObject([{ verdict: 'sees-worse', camera: 'front', state: 'drifted' }]);
    const text = (await attachment.metrics?.text()) ?? '';
    expect(text).toContain('goshawk_estimated_accuracy_state{camera="front",state="worse"} 1');
    expect(events().map(({ kind }) => kind)).toEqual(['accuracy_worse']);
    part.stop();
  });

  it.each([
    ['none', 'no accuracy fit'],
    ['other', 'of another bundle'],
    ['old', 'of table'],
    ['broken', 'accuracy-fit.json'],
    ['wrong', 'accuracy-fit.json'],
  ])('is unavailable, and never made up, with a fit that does not apply (%s)', async (folder, reason) => {
    const { part, attachment, run, windows, events } = await watched(folder);
    run(40, 0.2);
    const { accuracy } = windows().at(-1)!.cameras[0]!;
    expect(accuracy).toMatchObject({ state: 'unavailable', share: null });
    expect(accuracy?.reason).toContain(reason);
    expect(await attachment.metrics?.text()).not.toContain('goshawk_estimated_ap_share{');
    expect(events()).toEqual([]);
    part.stop();
  });
});

/** A frame with two boxes of one score before limits; none at score 0. */
function frameOf(clock: FakeClock, score: number): FrameResult {
  const statistics = new Float32Array(BLOCK_FLOATS);
  const boxes = score === 0 ? 0 : 2;
  statistics[BLOCK.kept] = boxes;
  statistics[BLOCK.scored] = boxes;
  statistics[BLOCK.scores] = boxes * score;
  const wallMs = clock.wallMs();
  const stamp = { sec: Math.floor(wallMs / 1000), nanosec: Math.floor((wallMs % 1000) * 1e6) };
  return {
    envelope: { camera: 'front', sequence: 1, stamp, receivedAt: clock.monotonicMs() },
    detections: createDetections(0),
    sourceWidth: 64,
    sourceHeight: 48,
    bundleDigest: DIGEST,
    mode: 'graph',
    statistics,
  } as unknown as FrameResult;
}
