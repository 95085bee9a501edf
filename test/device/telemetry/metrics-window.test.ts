import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DropReason } from '../../../src/contract/drops.ts';
import { bodySchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import { LATENCY_EDGES_MS } from '../../../src/contract/telemetry/shapes.ts';
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

const resultOf = (camera: string, totalMs: number): FrameResult =>
  ({ envelope: { camera }, totalMs }) as unknown as FrameResult;

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
        list.forEach((step, index) => {
          totals.published += step.published;
          totals.drops['superseded'] += step.superseded;
          totals.drops['malformed'] += step.malformed;
          const settled = totals.published + totals.drops['superseded'] + totals.drops['malformed'];
          totals.received = Math.max(totals.received, settled + step.inFlight);
          for (const latency of step.latencies) window.deliver(resultOf('front', latency));
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

  it('counts a latency in the bucket whose upper edge it does not exceed', () => {
    const window = new MetricsWindow(new Date(0));
    for (const latency of [0, 1, 1.5, 20, 99_999]) window.deliver(resultOf('front', latency));
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

describe('the state message', () => {
  it('follows its schema before any frame and before any model', () => {
    const body = bodySchemaOf('state').parse(
      stateBody(snapshotOf('front', { received: 0, published: 0, drops: {} }), {}),
    );
    expect(body.bundle).toBeNull();
    expect(body.cameras[0]?.silentSeconds).toBeNull();
  });
});
