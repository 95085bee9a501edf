import { describe, expect, it } from 'vitest';
import { bodySchemaOf } from '../../../../src/contract/telemetry/payloads.ts';
import type { StreamBody } from '../../../../src/contract/telemetry/streams.ts';
import { MetricsWindow } from '../../../../src/device/telemetry/metrics-window.ts';
import { mergeDrift, mergeMetrics } from '../../../../src/device/telemetry/outbox/merge-windows.ts';

type DriftBody = StreamBody<'drift'>;

const at = (minute: number): string => `2026-01-01T10:0${String(minute)}:00.000Z`;

const bundle = { name: 'street', version: '1.0.0', digest: 'd', variant: 'int8', provider: 'cpu' };

function minute(start: number, cameras: readonly string[], more: Partial<DriftBody> = {}): DriftBody {
  return {
    window: { start: at(start), end: at(start + 1) },
    bundle,
    table: 1,
    cameras: cameras.map((camera) => ({
      camera,
      frames: 10,
      inGraph: 10,
      unmeasured: 1,
      late: 0,
      duplicate: 2,
      features: { brightness: { sum: 5_000_000, first: 15 + start, counts: [4, 6] } },
      classes: { person: 3 },
      agreement: { consistency: { sum: 4, n: 3 }, reliability: { reliable: 1, total: 2 } },
    })),
    ...more,
  };
}

describe('drift windows that wait', () => {
  it('become one that covers both, camera by camera', () => {
    const merged = mergeDrift(minute(0, ['front', 'rear']), minute(1, ['front']));
    expect(bodySchemaOf('drift').parse(merged)).toEqual(merged);
    expect(merged).toMatchObject({ window: { start: at(0), end: at(2) }, bundle, table: 1 });
    const [front, rear] = merged?.cameras ?? [];
    expect(front).toEqual({
      camera: 'front',
      frames: 20,
      inGraph: 20,
      unmeasured: 2,
      late: 0,
      duplicate: 4,
      features: { brightness: { sum: 10_000_000, first: 15, counts: [4, 10, 6] } },
      classes: { person: 6 },
      agreement: { consistency: { sum: 8, n: 6 }, reliability: { reliable: 2, total: 4 } },
    });
    expect(rear).toEqual(minute(0, ['rear']).cameras[0]);
  });

  it('stay apart if they do not touch, or if the model, the table of features or the clock changed', () => {
    const older = minute(0, ['front']);
    const others: DriftBody[] = [
      minute(2, ['front']),
      minute(1, ['front'], { bundle: { ...bundle, version: '2.0.0' } }),
      minute(1, ['front'], { table: 2 }),
      minute(1, ['front'], { window: { start: at(1), end: at(2), clockStepSeconds: 3600 } }),
    ];
    expect(others.map((newer) => mergeDrift(older, newer))).toEqual([null, null, null, null]);
  });

  it('stay apart if one message cannot have both: cameras, whole numbers, bytes', () => {
    const named = (count: number, prefix: string): string[] =>
      Array.from({ length: count }, (_, i) => `${prefix}${String(i)}`);
    expect(mergeDrift(minute(0, named(200, 'a')), minute(1, named(56, 'b')))?.cameras).toHaveLength(256);
    expect(mergeDrift(minute(0, named(200, 'a')), minute(1, named(57, 'b')))).toBeNull();

    const summing = (start: number, sum: number): DriftBody => {
      const body = minute(start, ['front']);
      const agreement = { consistency: { sum, n: 3 }, reliability: { reliable: 1, total: 2 } };
      return { ...body, cameras: body.cameras.map((camera) => ({ ...camera, agreement })) };
    };
    const most = Number.MAX_SAFE_INTEGER;
    expect(mergeDrift(summing(0, most - 5), summing(1, 5))?.cameras[0]?.agreement?.consistency.sum).toBe(
      most,
    );
    expect(mergeDrift(summing(0, most - 5), summing(1, 6))).toBeNull();

    const wordy = (start: number): DriftBody => {
      const body = minute(start, ['front']);
      const classes = Object.fromEntries(
        named(1000, `${String(start)} ${'w'.repeat(150)}`).map((label) => [label, 1]),
      );
      return { ...body, cameras: body.cameras.map((camera) => ({ ...camera, classes })) };
    };
    expect(mergeDrift(wordy(0), minute(1, ['front']))).not.toBeNull();
    expect(mergeDrift(wordy(0), wordy(1))).toBeNull();
  });
});

it('windows of metrics at the highest rate become one at the highest rate, which a fleet takes', () => {
  const ends = [0, 10_000, 30_000, 100_000].map((ms) => new Date(ms));
  const windows = ends.slice(1).map((end, at) => {
    const body = new MetricsWindow(ends[at]!).close(null, {}, end);
    const counts = { received: 1, published: 1, drops: {}, inFlight: 0 };
    const latency = { edgesMs: [1], counts: [1, 0], sumMs: 1 };
    const fps = { in: 10_000, out: 10_000 / 3 };
    return { ...body, cameras: [{ camera: 'front', ...counts, fps, latency }] };
  });
  const merged = windows.reduce<StreamBody<'metrics'>>(
    (older, newer) => bodySchemaOf('metrics').parse(mergeMetrics(older, newer)),
    windows.shift()!,
  );
  expect(merged.cameras[0]!.fps.in).toBeCloseTo(10_000, 6);
  expect(merged.cameras[0]!.fps.in).toBeLessThanOrEqual(10_000);
  expect(merged.cameras[0]!.received).toBe(3);
});
