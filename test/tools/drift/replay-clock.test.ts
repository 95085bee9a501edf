import { expect, it } from 'vitest';
import { ReplayClock } from '../../../src/tools/drift/replay/replay-clock.ts';

const START = 1_700_000_000_000;

/** Wall and monotonic time after each step, from the start. */
function stepsOf(clock: ReplayClock, arrivedMs: number): (readonly [number, number])[] {
  const steps: (readonly [number, number])[] = [];
  clock.moveTo(START + arrivedMs, () => steps.push([clock.wallMs() - START, clock.monotonicMs()]));
  return steps;
}

it('moves second by second to the next frame', () => {
  const clock = new ReplayClock(START);
  expect(stepsOf(clock, 0)).toEqual([]);
  expect(stepsOf(clock, 2_500)).toEqual([
    [1_000, 1_000],
    [2_000, 2_000],
    [2_500, 2_500],
  ]);
  expect(clock.steps).toBe(0);
});

it('stands still for a message that is a little out of order', () => {
  const clock = new ReplayClock(START);
  stepsOf(clock, 500);
  expect(stepsOf(clock, 100)).toEqual([]);
  expect([clock.wallMs() - START, clock.monotonicMs(), clock.steps]).toEqual([500, 500, 0]);
});

it('is set by steps back and by leaps of more than an hour, which take no time', () => {
  const clock = new ReplayClock(START);
  expect(stepsOf(clock, -86_400_000)).toEqual([[-86_400_000, 0]]);
  expect(stepsOf(clock, 1e12)).toEqual([[1e12, 0]]);
  expect(clock.steps).toBe(2);
});
