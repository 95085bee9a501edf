import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { driftReplaySchema, type ReplayedRecording } from '../../src/contract/drift/replay.ts';
import { openBundle } from '../../src/device/authoring/open-bundle.ts';
import { encodeJpeg } from '../../src/device/imaging/encode-image.ts';
import type { Bundle } from '../../src/model/bundle.ts';
import { CLEAR_DAY, type Conditions } from '../../src/sim/drawing/conditions.ts';
import { SceneRenderer } from '../../src/sim/scene.ts';
import { createWorld } from '../../src/sim/world.ts';
import { SimObserver } from '../../src/tools/drift/bench/sim-observer.ts';
import { makeReference } from '../../src/tools/drift/make-reference.ts';
import { replayRecording } from '../../src/tools/drift/replay/replay-recording.ts';
import { writeRecording, type TopicPlan } from '../device/camera/recording.ts';
import { CLI } from '../support/programs.ts';
import { referenceOf } from '../support/made-up-reference.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';

const SEED = 7;
const SIZE = { width: 640, height: 360 };
const NOISE: Conditions = { ...CLEAR_DAY, noise: 0.9 };
const GOOD_SECONDS = 20;

describe('goshawk drift replay', () => {
  let folder = '';
  let bundle: Bundle;
  const file = (name: string): string => join(folder, name);

  /** A street, one frame a second; noisy from a frame on. */
  function street(frames: number, noisyFrom = Infinity): TopicPlan {
    const world = createWorld(SEED);
    const renderer = new SceneRenderer(SIZE.width, SIZE.height);
    const image = (index: number) => {
      const pixels = new Uint8Array(SIZE.width * SIZE.height * 3);
      renderer.render(world, index, index < noisyFrom ? CLEAR_DAY : NOISE, pixels);
      return { ...SIZE, pixels };
    };
    const times = (index: number) => ({ logMs: 1000 * index + 30, stampMs: 1000 * index });
    return { topic: '/front/image_raw', frames, periodMs: 1000, image, times };
  }

  async function writeGoodReference(): Promise<void> {
    const observer = await SimObserver.open(bundle);
    const rows = await observer.observe({ seed: SEED, conditions: CLEAR_DAY, from: 0, seconds: 80 });
    await observer.close();
    const made = makeReference(referenceOf(bundle.manifest, bundle.digest), { name: 'day', rows }, null);
    writeFileSync(file('reference.json'), JSON.stringify(made));
    const settings = { ...made.settings, frames: 'raw' } as const;
    writeFileSync(file('raw.json'), JSON.stringify({ ...made, settings }));
    writeFileSync(file('rear.json'), JSON.stringify({ ...made, camera: 'rear' }));
  }

  const replayed = (name: string, reference = 'reference.json'): Promise<ReplayedRecording> =>
    replayRecording(file(name), '', {
      bundle,
      reference: reference === '' ? '' : file(reference),
      runs: null,
      falseAlarmsPerWeek: 1000,
      windowSeconds: 10,
      camera: 'front',
      preprocess: 'graph',
      say: () => undefined,
      signal: new AbortController().signal,
    });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-replay-'));
    bundle = await openBundle(shippedBundle(), () => undefined);
    await writeGoodReference();
    await writeRecording(file('noisy.mcap'), { topics: [street(2 * GOOD_SECONDS, GOOD_SECONDS)] });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('says what a robot would have said, at the time of the recording', async () => {
    const { outcome, changes, windows, worst, frames, ...rest } = await replayed('noisy.mcap');
    expect({ outcome, worst, ...rest }).toMatchObject({
      outcome: 'complete',
      worst: 'drifted',
      recordedSeconds: 39,
      unreadable: 0,
      clockSteps: 0,
      problem: null,
    });
    expect(frames).toEqual({ received: 40, published: 40, drops: {} });
    const alarm = changes.find(({ state }) => state === 'drifted');
    expect(alarm?.verdict.cause?.name).toBe('noise');
    const seconds = (Date.parse(alarm?.at ?? '') - Date.parse(windows[0]?.window.start ?? '')) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(GOOD_SECONDS);
    expect(seconds).toBeLessThan(2 * GOOD_SECONDS);
    const counted = windows.map(({ cameras }) => cameras[0]?.frames ?? 0);
    expect(counted).toEqual([10, 10, 10, 10]);
    expect(windows.map(({ cameras }) => cameras[0]?.verdict?.state)).toEqual(
      expect.arrayContaining(['ok', 'drifted']),
    );
  });

  it('calls a recording of one image over and over a fault of the sensor', async () => {
    const [width, height] = [64, 36];
    const image = () => ({ width, height, pixels: new Uint8Array(width * height * 3).fill(120) });
    await writeRecording(file('gray.mcap'), { topics: [{ ...street(40), image }] });
    const { worst, changes, windows } = await replayed('gray.mcap');
    expect(worst).toBe('drifted');
    expect(changes.at(-1)?.verdict.cause?.name).toBe('sensor_fault');
    expect(windows[0]?.cameras[0]?.features['contrast']?.sum).toBe(0);
  });

  it('gives the same answer each time', async () => {
    const [one, other] = [await replayed('noisy.mcap'), await replayed('noisy.mcap')];
    expect(other).toEqual(one);
  });

  it('plays what is there of a recording that was cut, and states it', async () => {
    await writeRecording(file('cut.mcap'), { topics: [street(12)], options: { chunkSize: 1 << 20 } });
    truncateSync(file('cut.mcap'), Math.floor(statSync(file('cut.mcap')).size * 0.7));
    const { outcome, notices, frames, worst } = await replayed('cut.mcap');
    expect(outcome).toBe('incomplete');
    expect(notices.join()).toContain('cut short or damaged');
    expect(frames.published).toBeGreaterThan(4);
    expect(frames.published).toBeLessThan(12);
    expect(worst).toBe('ok');
  });

  it('states that a recording without frames cannot be played', async () => {
    await writeRecording(file('empty.mcap'), { topics: [street(0)] });
    expect(await replayed('empty.mcap')).toMatchObject({
      outcome: 'unusable',
      worst: null,
      windows: [],
      problem: { code: 'GOSHAWK_CAMERA_UNUSABLE' },
    });
  });

  it('states that no frame was judged if all were dropped', async () => {
    const pixels = new Uint8Array(SIZE.width * SIZE.height * 3);
    new SceneRenderer(SIZE.width, SIZE.height).render(createWorld(SEED), 0, CLEAR_DAY, pixels);
    const whole = await encodeJpeg(pixels, SIZE.width, SIZE.height, 90);
    const jpeg = whole.subarray(0, whole.length / 2);
    await writeRecording(file('dropped.mcap'), { topics: [{ ...street(2), jpeg }] });
    const { outcome, worst, frames, problem } = await replayed('dropped.mcap');
    expect({ outcome, worst }).toEqual({ outcome: 'complete', worst: null });
    expect(frames).toEqual({ received: 2, published: 0, drops: { corrupt_image: 2 } });
    expect(problem).toMatchObject({ code: 'GOSHAWK_CAMERA_UNUSABLE' });
    expect((await replayed('dropped.mcap', '')).problem).toBeNull();
  });

  it('ends a window where the clock was set back, as a robot does', async () => {
    const plan = street(12);
    const back = (index: number): number => (index < 6 ? 0 : -86_400_000);
    const times = (index: number) => ({
      logMs: 1000 * index + 30 + back(index),
      stampMs: 1000 * index + back(index),
    });
    const options = { useChunks: false, useSummaryOffsets: false, useStatistics: false } as const;
    await writeRecording(file('back.mcap'), { topics: [{ ...plan, times }], options });
    const { clockSteps, windows, frames } = await replayed('back.mcap');
    expect(clockSteps).toBe(1);
    const steps = windows.map(({ window }) => window.clockStepSeconds ?? 0);
    expect(steps.filter((seconds) => seconds !== 0)).toEqual([-86_399]);
    // stamps that step back by more than a second are believed from the third on
    expect(frames).toEqual({ received: 12, published: 10, drops: { stamp_regressed: 2 } });
    expect(windows.reduce((sum, { cameras }) => sum + (cameras[0]?.frames ?? 0), 0)).toBe(10);
  });

  it('gives no verdict by the reference of another camera, and none without a reference', async () => {
    await writeRecording(file('short.mcap'), { topics: [street(3)] });
    expect(await replayed('short.mcap', 'rear.json')).toMatchObject({
      outcome: 'complete',
      worst: null,
      problem: { code: 'GOSHAWK_DRIFT_REFERENCE_MISMATCH' },
    });
    expect(await replayed('short.mcap', '')).toMatchObject({ worst: null, problem: null, changes: [] });
  });

  it('gives no verdict on a clip, whose frames are JPEG, by a reference of raw frames', async () => {
    const pixels = new Uint8Array(SIZE.width * SIZE.height * 3);
    new SceneRenderer(SIZE.width, SIZE.height).render(createWorld(SEED), 0, CLEAR_DAY, pixels);
    const jpeg = await encodeJpeg(pixels, SIZE.width, SIZE.height, 90);
    await writeRecording(file('clip.mcap'), { topics: [{ ...street(2), jpeg }] });
    expect(await replayed('clip.mcap', 'raw.json')).toMatchObject({
      outcome: 'complete',
      worst: null,
      frames: { received: 2, published: 2 },
      problem: {
        code: 'GOSHAWK_DRIFT_REFERENCE_MISMATCH',
        reason: expect.stringContaining('frames that are raw, not of compressed') as string,
      },
    });
    await writeRecording(file('raw.mcap'), { topics: [street(2)] });
    expect(await replayed('raw.mcap', 'raw.json')).toMatchObject({ worst: 'ok', problem: null });
  });

  it('ends with exit code 3 when a recording of a folder drifted', async () => {
    const report = file('replay.json');
    const child = spawn(
      process.execPath,
      [
        ...[CLI, 'drift', 'replay', file('noisy.mcap'), '--bundle', shippedBundle(), '--fail-on', 'drifted'],
        ...['--reference', file('reference.json'), '--false-alarms-per-week', '1000', '--report', report],
      ],
      { stdio: 'ignore' },
    );
    expect(await once(child, 'exit')).toEqual([3, null]);
    const { worst, reference, recordings } = driftReplaySchema.parse(
      JSON.parse(readFileSync(report, 'utf8')),
    );
    expect({ worst, reference }).toMatchObject({ worst: 'drifted', reference: { contexts: ['day'] } });
    expect(recordings.map(({ outcome }) => outcome)).toEqual(['complete']);
  });
});
