import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DropReason } from '../../../src/contract/drops.ts';
import { bodySchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import { LATENCY_EDGES_MS } from '../../../src/contract/telemetry/shapes.ts';
import type { Stamp } from '../../../src/core/frame.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';
import type { PipelineSnapshot } from '../../../src/device/pipeline/statistics/snapshot.ts';
import { MetricsWindow } from '../../../src/device/telemetry/metrics-window.ts';
import { stateBody } from '../../../src/device/telemetry/state-body.ts';

const EMPTY = { count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };

interface Totals {
  received: number;
  published: number;
  drops: Partial<Record<DropReason, number>>;
}

function snapshotOf(camera: string, totals: Totals): PipelineSnapshot {
  const dropped = Object.values(totals.drops).reduce((sum, count) => sum + count, 0);
  const frames = { ...totals, inFlight: totals.received - totals.published - dropped };
  const fps = { in: 0, out: 0 };
  return {
    state: 'active',
    uptimeSeconds: 1,
    activeMs: 1000,
    activeSeconds: 1,
    framesSeconds: 1,
    engine: null,
    engineLost: 0,
    engineRestored: 0,
    lastIncident: null,
    frames,
    fps,
    detections: 0,
    cameras: {
      [camera]: {
        priority: 1,
        frames,
        fps,
        latencyMs: EMPTY,
        lastFrameAgeMs: null,
        stampAgeMs: null,
        lastDrop: null,
        dropsInARow: 0,
        clockResets: 0,
        width: 0,
        height: 0,
        encoding: '',
        preprocess: null,
      },
    },
    latencyMs: { total: EMPTY, stages: {} as PipelineSnapshot['latencyMs']['stages'] },
    recentMs: { total: EMPTY, stages: {} as PipelineSnapshot['recentMs']['stages'] },
    sinks: {},
    process: { rssBytes: 1, eventLoopDelayMs: { p50: 0, p99: 0, max: 0 } },
  };
}

const stampOf = (ms: number): Stamp => ({
  sec: Math.floor(ms / 1000),
  nanosec: Math.round((ms % 1000) * 1e6),
});

/** A result whose stamp nobody set, or the given one. */
const resultOf = (camera: string, totalMs: number, stampMs = 0): FrameResult =>
  ({ envelope: { camera, stamp: stampOf(stampMs) }, totalMs }) as unknown as FrameResult;

const steps = fc.array(
  fc.record({
    published: fc.nat(50),
    superseded: fc.nat(5),
    malformed: fc.nat(2),
    inFlight: fc.nat(3),
    latencies: fc.array(fc.double({ min: 0, max: 10_000, noNaN: true }), { maxLength: 20 }),
  }),
  { minLength: 1, maxLength: 20 },
);

describe('metrics windows', () => {
  it('add up to the totals, whatever happens between them', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const window = new MetricsWindow(new Date(0));
        const totals = { received: 0, published: 0, drops: { superseded: 0, malformed: 0 } };
        const sums = { received: 0, published: 0, superseded: 0, malformed: 0, latencies: 0 };
        let latencies = 0;
        let inFlightBefore = 0;
        list.forEach((step, index) => {
          totals.published += step.published;
          totals.drops['superseded'] += step.superseded;
          totals.drops['malformed'] += step.malformed;
          const settled = totals.published + totals.drops['superseded'] + totals.drops['malformed'];
          totals.received = Math.max(totals.received, settled + step.inFlight);
          for (const latency of step.latencies) window.deliver(resultOf('front', latency), NaN);
          latencies += step.latencies.length;
          const body = window.close(
            snapshotOf('front', { ...totals, drops: { ...totals.drops } }),
            {},
            new Date((index + 1) * 10_000),
          );
          bodySchemaOf('metrics').parse(body);
          const camera = body.cameras[0];
          sums.received += camera?.received ?? 0;
          sums.published += camera?.published ?? 0;
          sums.superseded += camera?.drops['superseded'] ?? 0;
          sums.malformed += camera?.drops['malformed'] ?? 0;
          sums.latencies += camera?.latency.counts.reduce((sum, count) => sum + count, 0) ?? 0;
          expect(body.window.start).toBe(new Date(index * 10_000).toISOString());
          const { received = 0, published = 0, drops = {}, inFlight = 0 } = camera ?? {};
          const gone = published + Object.values(drops).reduce((sum, count) => sum + count, 0);
          expect(received + inFlightBefore).toBe(gone + inFlight);
          inFlightBefore = inFlight;
        });
        expect(sums).toEqual({
          received: totals.received,
          published: totals.published,
          superseded: totals.drops['superseded'],
          malformed: totals.drops['malformed'],
          latencies,
        });
      }),
    );
  });

  it('are not lost for a rate of frames that came in an instant: the counts are exact, the rate ends its range', () => {
    const window = new MetricsWindow(new Date(0));
    const instant = { ...snapshotOf('front', { received: 2, published: 1, drops: {} }), activeSeconds: 1e-6 };
    const body = window.close(instant, {}, new Date(10_000));
    expect(bodySchemaOf('metrics').parse(body)).toEqual(body);
    expect(body.cameras[0]).toMatchObject({ received: 2, published: 1, fps: { in: 10_000, out: 10_000 } });
  });

  it('counts a latency in the bucket whose upper edge it does not exceed', () => {
    const window = new MetricsWindow(new Date(0));
    for (const latency of [0, 1, 1.5, 20, 99_999]) window.deliver(resultOf('front', latency), NaN);
    const { latency } = window.close(
      snapshotOf('front', { received: 5, published: 5, drops: {} }),
      {},
      new Date(1000),
    ).cameras[0] ?? { latency: { edgesMs: [], counts: [], sumMs: 0 } };
    expect(latency.counts.length).toBe(LATENCY_EDGES_MS.length + 1);
    expect(latency.counts[0]).toBe(2);
    expect(latency.counts[1]).toBe(1);
    expect(latency.counts[LATENCY_EDGES_MS.indexOf(20)]).toBe(1);
    expect(latency.counts.at(-1)).toBe(1);
  });
});

describe('a window of event time', () => {
  const T0 = Date.UTC(2026, 0, 1);
  const totals = { received: 0, published: 0, drops: {} };
  const countsOf = (window: MetricsWindow, endMs: number, isLast = false): (number | undefined)[] => {
    const [camera] = window.close(snapshotOf('front', totals), {}, new Date(endMs), isLast).cameras;
    return [camera?.latency.counts.reduce((sum, count) => sum + count, 0), camera?.late, camera?.duplicate];
  };

  it('has the frames with stamps in it, whenever they come while it is open', () => {
    const window = new MetricsWindow(new Date(T0));
    for (const [stamp, now] of [
      [1_000, 1_050],
      [9_990, 10_400],
      [10_010, 10_300],
    ] as const)
      window.deliver(resultOf('front', 50, T0 + stamp), T0 + now);
    expect(countsOf(window, T0 + 10_000)).toEqual([2, 0, 0]);
    expect(countsOf(window, T0 + 20_000)).toEqual([1, 0, 0]);
  });

  it('counts what comes too late in the next one, as late, and a stamp that comes twice as duplicate', () => {
    const window = new MetricsWindow(new Date(T0));
    window.deliver(resultOf('front', 50, T0 + 1_000), T0 + 1_050);
    window.deliver(resultOf('front', 50, T0 + 1_000), T0 + 1_060);
    expect(countsOf(window, T0 + 10_000)).toEqual([2, 0, 1]);
    window.deliver(resultOf('front', 5_000, T0 + 9_000), T0 + 14_000);
    window.deliver(resultOf('front', 50, T0 + 1_000), T0 + 14_000);
    expect(countsOf(window, T0 + 20_000)).toEqual([2, 2, 1]);
  });

  it('counts frames by their arrival while stamps and the clock do not agree', () => {
    const window = new MetricsWindow(new Date(T0));
    for (const stamp of [0, T0 - 86_400_000, T0 - 86_400_000, T0 + 86_400_000])
      window.deliver(resultOf('front', 50, stamp), T0 + 5_000);
    expect(countsOf(window, T0 + 10_000)).toEqual([4, 0, 0]);
  });

  it('loses no frame, whatever stamps and ends are', () => {
    const frame = fc.record({ stamp: fc.integer({ min: -70_000, max: 120_000 }), gap: fc.nat(3_000) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 200 }), (frames) => {
        const window = new MetricsWindow(new Date(T0));
        let [now, counted] = [T0, 0];
        frames.forEach(({ stamp, gap }, index) => {
          now += gap;
          window.deliver(resultOf('front', 1, T0 + stamp), now);
          if (index % 7 === 6) counted += countsOf(window, Math.max(now - 1_000, T0))[0] ?? 0;
        });
        counted += countsOf(window, now, true)[0] ?? 0;
        expect(counted).toBe(frames.length);
      }),
    );
  });
});

describe('the state message', () => {
  it('follows its schema before any frame and before any model', () => {
    const body = bodySchemaOf('state').parse(
      stateBody(snapshotOf('front', { received: 0, published: 0, drops: {} }), {}),
    );
    expect(body.bundle).toBeNull();
    expect(body.cameras[0]?.silentSeconds).toBeNull();
  });
});
