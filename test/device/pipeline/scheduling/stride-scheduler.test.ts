import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelLane } from '../../../../src/device/pipeline/model-lane.ts';
import { StrideScheduler } from '../../../../src/device/pipeline/scheduling/stride-scheduler.ts';
import { makeLane } from '../fake-jobs.ts';

type Readiness = (lane: ModelLane) => boolean;

const always: Readiness = () => true;

function serve(scheduler: StrideScheduler, lanes: readonly ModelLane[], isReady = always): ModelLane {
  const lane = scheduler.pick(lanes, isReady);
  if (lane === null) throw new Error('no lane is ready');
  scheduler.charge(lane);
  return lane;
}

describe('StrideScheduler', () => {
  it('law: cameras that always wait get their share by priority, to within one frame', () => {
    const priorities = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(priorities, fc.integer({ min: 1, max: 2000 }), (weights, rounds) => {
        const lanes = weights.map((weight, index) => makeLane(String(index), weight));
        const scheduler = new StrideScheduler();
        const served = new Map(lanes.map((lane) => [lane, 0]));
        for (let i = 0; i < rounds; i++) {
          const lane = serve(scheduler, lanes);
          served.set(lane, (served.get(lane) ?? 0) + 1);
        }
        // for any two cameras, service per weight differs by at most one frame of each: the bound of stride scheduling
        for (const a of lanes)
          for (const b of lanes) {
            const difference = Math.abs(served.get(a)! / a.priority - served.get(b)! / b.priority);
            expect(difference).toBeLessThanOrEqual(1 / a.priority + 1 / b.priority + 1e-9);
          }
      }),
      { numRuns: 40 },
    );
  });

  it('gives a camera that was silent no extra share', () => {
    const scheduler = new StrideScheduler();
    const [busy, silent] = [makeLane('busy'), makeLane('silent')];
    for (let i = 0; i < 100; i++) serve(scheduler, [busy, silent], (lane) => lane === busy);
    const next = Array.from({ length: 10 }, () => serve(scheduler, [busy, silent]).camera.name);
    expect(next.filter((name) => name === 'silent').length).toBeLessThanOrEqual(6);
  });

  it('picks none if none is ready, and picking alone changes nothing', () => {
    const scheduler = new StrideScheduler();
    const lanes = [makeLane('a'), makeLane('b')];
    expect(scheduler.pick(lanes, () => false)).toBeNull();
    expect(scheduler.pick(lanes, always)).toBe(lanes[0]);
    expect(scheduler.pick(lanes, always)).toBe(lanes[0]);
    expect(lanes.map(({ pass }) => pass)).toEqual([0, 0]);
  });
});
