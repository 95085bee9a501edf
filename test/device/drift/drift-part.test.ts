import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { driftBodySchema } from '../../../src/contract/telemetry/drift.ts';
import { statusSchema } from '../../../src/contract/status.ts';
import type { StreamBody } from '../../../src/contract/telemetry/streams.ts';
import { createDetections } from '../../../src/core/detections.ts';
import { countOf } from '../../../src/core/edge-histogram.ts';
import { ABSENT, BLOCK, BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import { Drift } from '../../../src/device/drift/drift-part.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';
import { FakeClock } from '../pipeline/fakes.ts';
import { sessionOf } from '../runtime/fake-session.ts';

type Window = StreamBody<'drift'>;

/** A part with windows, a session, and everything that it sent. */
function watched(wallMs = 1_700_000_000_000, windowSeconds = 10, cameras = ['front']) {
  const clock = new FakeClock();
  clock.wall = wallMs;
  const sent: Window[] = [];
  const part = new Drift(
    { send: (_stream, make) => void sent.push(driftBodySchema.parse(JSON.parse(JSON.stringify(make())))) },
    clock,
    { windowSeconds, reference: '', falseAlarmsPerWeek: 1, log: () => undefined },
  );
  const session = { ...sessionOf(), cameras };
  const sink = part.attach(session).sink;
  const deliver = (stampMs: number, more: Partial<FrameResult> = {}): void => {
    const stamp = { sec: Math.floor(stampMs / 1000), nanosec: Math.round((stampMs % 1000) * 1e6) };
    const envelope = { camera: 'front', stamp, receivedAt: clock.monotonicMs() };
    const rest = {
      statistics: blockOf(0.5),
      detections: createDetections(1),
      sourceWidth: 64,
      sourceHeight: 48,
    };
    void sink?.deliver({ envelope, ...rest, ...more } as unknown as FrameResult, null);
  };
  /** as many seconds of frames and looks */
  const run = (seconds: number, perSecond = 2): void => {
    for (let second = 0; second < seconds; second += 1) {
      for (let i = 0; i < perSecond; i += 1) {
        clock.advance(1000 / perSecond);
        deliver(clock.wallMs() - 100);
      }
      part.look();
    }
  };
  return { clock, part, session, sent, deliver, run };
}

function blockOf(brightness: number, patches = 128): Float32Array {
  const block = new Float32Array(BLOCK_FLOATS).fill(ABSENT, BLOCK.candidates, BLOCK.patches);
  block[0] = brightness;
  return block.fill(patches, BLOCK.patches);
}

const seconds = ({ window }: Window): number => (Date.parse(window.end) - Date.parse(window.start)) / 1000;
const front = ({ cameras }: Window) => cameras[0] ?? expect.unreachable('there is one camera');

describe('drift windows', () => {
  it('end at multiples of their length and touch, and every frame is in one of them', () => {
    const { part, sent, run } = watched(1_700_000_003_000);
    run(35);
    part.stop();
    expect(sent.map(seconds)).toEqual([7, 10, 10, 8]);
    sent.forEach(({ window }, i) => expect(window.start).toBe(sent[i - 1]?.window.end ?? window.start));
    expect(sent.map(({ window }) => Date.parse(window.end) % 10_000)).toEqual([0, 0, 0, 8000]);
    expect(sent.reduce((sum, window) => sum + front(window).frames, 0)).toBe(70);
    expect(front(sent[1]!)).toMatchObject({
      frames: 20,
      unmeasured: 0,
      late: 0,
      duplicate: 0,
      agreement: null,
    });
    expect(sent[0]?.table).toBe(1);
  });

  it('take a frame by its stamp, late if its window was sent, and count a stamp that comes twice', () => {
    const { clock, part, sent, deliver } = watched();
    clock.advance(10_500);
    deliver(clock.wallMs() - 1_000, { statistics: blockOf(0.1) });
    deliver(clock.wallMs() - 100, { statistics: blockOf(0.9) });
    deliver(clock.wallMs() - 100, { statistics: blockOf(0.9) });
    clock.advance(600);
    part.look();
    deliver(clock.wallMs() - 5_000, { statistics: blockOf(0.9) });
    clock.advance(10_000);
    part.look();
    expect(sent.map((window) => front(window).features['brightness']?.sum)).toEqual([100_000, 2_700_000]);
    expect(sent.map((window) => [front(window).late, front(window).duplicate])).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  it('have each frame in the window of its stamp, however short they are and however late they are looked at', () => {
    const frame = fc.record({
      /** since the one before */
      afterMs: fc.integer({ min: 20, max: 1_500 }),
      /** of the stamp; negative for a camera whose clock is ahead */
      ageMs: fc.integer({ min: -3_000, max: 900 }),
      isLookedAt: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(frame, { maxLength: 60 }), (length, frames) => {
        const { clock, part, sent, deliver } = watched(1_700_000_000_000, length);
        const stamps: number[] = [];
        for (const { afterMs, ageMs, isLookedAt } of frames) {
          clock.advance(afterMs);
          const stamp = Math.max(1_700_000_000_000, clock.wallMs() - ageMs);
          if (!stamps.includes(stamp)) {
            stamps.push(stamp);
            deliver(stamp);
          }
          if (isLookedAt) part.look();
        }
        // until the windows of the last stamps are over
        for (let second = 0; second < 9; second += 1) {
          clock.advance(1_000);
          part.look();
        }
        part.stop();
        for (const window of sent) {
          const [start, end] = [Date.parse(window.window.start), Date.parse(window.window.end)];
          const expected = stamps.filter((stamp) => stamp >= start && stamp < end).length;
          expect([front(window).frames, front(window).late]).toEqual([expected, 0]);
        }
        expect(sent.reduce((sum, window) => sum + front(window).frames, 0)).toBe(stamps.length);
      }),
    );
  });

  it('count a frame whose stamp is of another clock as it arrives', () => {
    const { clock, part, sent, deliver } = watched();
    clock.advance(1_000);
    deliver(0, { mode: 'graph' });
    deliver(1_000);
    deliver(clock.wallMs() + 86_400_000);
    part.stop();
    expect(front(sent[0]!)).toMatchObject({ frames: 3, inGraph: 1, late: 0 });
  });

  it('begin after a step of the clock that nobody watched', () => {
    const { clock, part, session, sent, run } = watched();
    part.detach();
    sent.length = 0;
    clock.wall += 86_405_000;
    part.attach(session);
    run(30);
    part.stop();
    expect(sent.map(seconds)).toEqual([5, 10, 10, 5]);
    expect(sent.map((window) => front(window).frames)).toEqual([10, 20, 20, 10]);
    expect(sent.map(({ window }) => window.clockStepSeconds)).toEqual([86_405, ...Array<undefined>(3)]);
    expect(Date.parse(sent[0]!.window.start)).toBe(1_700_086_405_000);
  });

  it('of more cameras than one message may have are several messages of the same time', () => {
    const cameras = ['front', ...Array.from({ length: 299 }, (_, i) => `camera${String(i)}`)];
    const { part, sent, run } = watched(undefined, 10, cameras);
    run(12);
    expect(sent.map((window) => [seconds(window), window.cameras.length])).toEqual([
      [10, 256],
      [10, 44],
    ]);
    expect(sent.flatMap((window) => window.cameras.map(({ camera }) => camera))).toEqual(cameras);
    expect(Object.keys(part.status().drift?.cameras ?? {})).toHaveLength(300);
  });

  it('say that there was no frame', () => {
    const { part, sent, clock } = watched();
    clock.advance(11_000);
    part.look();
    expect(front(sent[0]!)).toEqual({
      camera: 'front',
      frames: 0,
      inGraph: 0,
      unmeasured: 0,
      late: 0,
      duplicate: 0,
      features: {},
      classes: {},
      agreement: null,
      accuracy: expect.objectContaining({ state: 'unavailable', share: null }) as unknown,
    });
  });

  it('count frames that nobody measured, and never what is not a number', () => {
    const { clock, part, sent, deliver } = watched();
    clock.advance(1_000);
    deliver(clock.wallMs(), { statistics: null });
    deliver(clock.wallMs() - 1, { statistics: new Float32Array(BLOCK_FLOATS).fill(NaN) });
    part.stop();
    expect(front(sent[0]!)).toMatchObject({ frames: 1, unmeasured: 1, agreement: null });
    expect(Object.keys(front(sent[0]!).features)).toEqual(['boxes']);
  });

  it.each([-86_400, 86_400])('end when the clock is set by %i s, which the next one states', (step) => {
    const { clock, part, sent, run } = watched();
    run(3);
    clock.wall += step * 1000;
    part.look();
    run(3);
    part.stop();
    expect(sent.map(seconds)).toEqual([3, 3]);
    expect(sent.map(({ window }) => window.clockStepSeconds)).toEqual([undefined, step]);
    expect(sent.map((window) => front(window).frames)).toEqual([6, 6]);
  });

  it('are two if the device slept through several of them: the one that was open, and the rest', () => {
    const { clock, part, sent, run } = watched();
    run(12);
    clock.advance(60_000);
    part.look();
    expect(sent.map(seconds)).toEqual([10, 10, 50]);
    expect(sent.map((window) => front(window).frames)).toEqual([20, 4, 0]);
  });

  it('measure motion from the second frame on, against the frame before', () => {
    const { clock, part, sent, deliver } = watched();
    for (const at of [0, 1, 2]) {
      clock.advance(100);
      const block = blockOf(0.5);
      for (let i = 0; i < BLOCK_FLOATS - BLOCK.patches; i += 2) block[BLOCK.patches + i] = 128 + 20 * at;
      deliver(clock.wallMs(), { statistics: block });
    }
    part.stop();
    const motion = front(sent[0]!).features['motion'];
    expect(motion === undefined ? 0 : countOf(motion)).toBe(2);
    // half of the patches change by 20 gray levels: all of them by 10 against the mean
    expect((motion?.sum ?? 0) / 2e6).toBeCloseTo(10 / 255, 4);
  });

  it('see patches that stand still while others change, once they were watched for long enough', () => {
    const { clock, part, sent, deliver } = watched();
    for (let frame = 0; frame < 80; frame += 1) {
      clock.advance(100);
      const block = blockOf(0.5);
      for (let i = 0; i < 432; i += 1) block[BLOCK.patches + i] = 128 + 30 * Math.sin(frame * (1 + (i % 7)));
      deliver(clock.wallMs(), { statistics: block });
    }
    part.stop();
    const share = front(sent[0]!).features['static_share'];
    expect(share === undefined ? 0 : countOf(share)).toBe(80 - 64);
    expect((share?.sum ?? 0) / (80 - 64) / 1e6).toBeCloseTo(0.25, 2);
  });

  it('follow tracks until they end, and the frames that they are missing in', () => {
    const { clock, part, sent, deliver } = watched();
    for (let frame = 0; frame < 40; frame += 1) {
      clock.advance(100);
      const detections = createDetections(1);
      if (frame < 20 && frame !== 10) {
        detections.count = 1;
        detections.tracks[0] = 7;
        detections.boxes.set([0, 0, 32, 16]);
      }
      deliver(clock.wallMs(), { detections });
    }
    part.stop();
    const { features, classes } = front(sent[0]!);
    expect(features['track_seconds']).toMatchObject({ sum: 1900, counts: [1] });
    expect(features['track_flicker']).toMatchObject({ sum: 50_000, counts: [1] });
    expect(classes).toEqual({ person: 19 });
  });
});

describe('the drift part', () => {
  it('has the means of the newest window in status and metrics, and none of the model before', async () => {
    const { part, session, run } = watched();
    const { metrics } = part.attach(session);
    expect(part.status().drift).toMatchObject({ windows: 0, window: null, cameras: {} });
    run(12);
    const drift = statusSchema.shape.drift.parse(part.status().drift);
    expect(drift).toMatchObject({ windowSeconds: 10, windows: 1 });
    expect(drift?.cameras['front']?.features['brightness']).toBeCloseTo(0.5, 5);
    const text = (await metrics?.text()) ?? '';
    expect(text).toContain('goshawk_drift_feature_mean{camera="front",feature="brightness"} 0.5');
    expect(text).toMatch(/goshawk_drift_frames\{camera="front"\} \d+/);
    expect(text).not.toContain('goshawk_drift_consistency_ratio{');
    part.detach();
    part.attach(sessionOf());
    expect(part.status().drift?.cameras).toEqual({});
  });
});
