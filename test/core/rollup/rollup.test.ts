import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addCameraRollups, type CameraRollup } from '../../../src/core/rollup/camera-rollup.ts';
import { addHostRollups, type HostRollup } from '../../../src/core/rollup/host-rollup.ts';

const edgesMs = [10, 20];
const cameraOf = fc.record({
  coveredMs: fc.nat(),
  untilMs: fc.integer(),
  received: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER)),
  published: fc.nat(),
  drops: fc.dictionary(fc.constantFrom('stale', '__proto__', 'superseded'), fc.integer({ min: 1, max: 9 })),
  latency: fc
    .array(fc.nat(1_000), { minLength: 3, maxLength: 3 })
    .map((counts) => ({ edgesMs, counts, sumMs: counts.length })),
}) satisfies fc.Arbitrary<CameraRollup>;
const hostOf = fc.record({
  coveredMs: fc.nat(),
  untilMs: fc.integer(),
  values: fc.dictionary(
    fc.constantFrom('cpuRatio', 'temperatureCelsius'),
    fc.tuple(fc.nat(1_000), fc.integer({ min: 1, max: 1_000 })).map(([value, weight]) => ({
      weight,
      sum: value * weight,
      min: value,
      max: value,
    })),
  ),
}) satisfies fc.Arbitrary<HostRollup>;

/** Adds the sums of both parts, in the other order. */
function addParts<T>(all: readonly T[], cut: number, add: (all: readonly T[]) => T | null): T | null {
  const parts = [all.slice(cut), all.slice(0, cut)].flatMap((part) => add(part) ?? []);
  return add(parts);
}

describe('rollups', () => {
  it('of parts add up to that of the whole, in any order', () => {
    fc.assert(
      fc.property(fc.array(cameraOf, { minLength: 1 }), fc.nat(10), (all, cut) => {
        expect(addParts(all, cut, addCameraRollups)).toEqual(addCameraRollups(all));
      }),
    );
    fc.assert(
      fc.property(fc.array(hostOf, { minLength: 1 }), fc.nat(10), (all, cut) => {
        expect(addParts(all, cut, addHostRollups)).toEqual(addHostRollups(all));
      }),
    );
  });

  it('are null without anything to add', () => {
    expect([addCameraRollups([]), addHostRollups([])]).toEqual([null, null]);
  });
});
