import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LATENCY_EDGES_MS } from '../../../src/contract/telemetry/shapes.ts';
import { newestOf, sumWindows } from '../../../src/fleet/latest/recent.ts';
import { packCounts, type PackedWindow } from '../../../src/fleet/store/packed-window.ts';

const BUCKETS = LATENCY_EDGES_MS.length + 1;
const counts = fc.array(fc.oneof(fc.constant(0), fc.nat(1_000)), { minLength: BUCKETS, maxLength: BUCKETS });

function windowOf(id: string, atMs: number, latency: readonly number[]): PackedWindow {
  return [id, atMs, 10_000, 1, 300, 299, { superseded: 1 }, ...packCounts(latency), 50];
}

it('the sum of windows has the counts of all of them, whatever zeros were left out', () => {
  fc.assert(
    fc.property(fc.array(counts, { minLength: 1, maxLength: 6 }), (all) => {
      const windows = all.map((latency, at) => windowOf(String(at), at, latency));
      const written = JSON.parse(JSON.stringify(windows)) as PackedWindow[];
      expect(sumWindows(newestOf(written))).toEqual({
        id: String(all.length - 1),
        atMs: all.length - 1,
        ms: 10_000 * all.length,
        cameras: 1,
        received: 300 * all.length,
        published: 299 * all.length,
        drops: { superseded: all.length },
        latency: all[0]!.map((_count, at) => all.reduce((sum, latency) => sum + latency[at]!, 0)),
        temperatureCelsius: 50,
      });
    }),
  );
});

it('counts without a frame take no room, and one window counts once', () => {
  const none = windowOf('a', 2, new Array<number>(BUCKETS).fill(0));
  expect(none[8]).toEqual([]);
  expect(
    newestOf([none, windowOf('a', 1, [1]), windowOf('b', 0, [1])]).map(([id, atMs]) => [id, atMs]),
  ).toEqual([
    ['a', 1],
    ['b', 0],
  ]);
});
