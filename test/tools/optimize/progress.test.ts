import { describe, expect, it } from 'vitest';
import { Schedule, type ProgressEvent } from '../../../src/tools/optimize/progress.ts';

function schedule(budget: number | null) {
  const clock = { now: 0 };
  const events: ProgressEvent[] = [];
  const work = { done: 0, recalled: 0 };
  const made = new Schedule(
    budget,
    work,
    (event) => events.push(event),
    () => clock.now,
  );
  /** simulates a candidate of this many seconds; `left` are still to come */
  const candidate = (seconds: number, left: number): void => {
    made.begin('int8', 'c', { int8: left });
    work.done += 1;
    clock.now += 1000 * seconds;
  };
  return { clock, events, work, made, candidate };
}

describe('Schedule', () => {
  it('predicts the remaining time from finished steps of each kind', () => {
    const { made, candidate, work, clock, events } = schedule(null);
    expect(made.remaining()).toBeNull();
    candidate(10, 5);
    candidate(10, 4);
    made.begin('final', 'figures', {});
    work.done += 1;
    clock.now += 50_000;
    made.begin('int8', 'third', { int8: 3 });
    // this one, three more and the final measurements
    expect(made.remaining()).toBe(4 * 10 + 50);
    expect(events.at(-1)).toEqual({ step: '', detail: 'third', remaining: 90 });
    clock.now += 4000;
    expect(made.remaining()).toBe(86);
    clock.now += 60_000;
    expect(made.remaining()).toBe(80);
    expect(made.hasTime('int8')).toBe(true);
  });

  it('trusts the reported share of a long step', () => {
    const { made, candidate, clock } = schedule(null);
    candidate(10, 5);
    made.begin('sensitivity', 'layers', {});
    clock.now += 30_000;
    made.advance(0.25, '25 %');
    const final = made.remaining()! - 90;
    clock.now += 30_000;
    made.advance(0.5, '50 %');
    expect(made.remaining()! - final).toBeCloseTo(60, 6);
  });

  it('learns nothing from steps reused from an earlier run', () => {
    const { made, candidate, work } = schedule(null);
    made.begin('int8', 'recalled', { int8: 9 });
    work.recalled += 3;
    made.end();
    expect(made.remaining()).toBeNull();
    candidate(10, 1);
    made.end();
    expect(made.remaining()).toBeGreaterThan(10);
  });

  it('reserves time for the end of a budget, and never predicts more than the budget', () => {
    const { made, candidate, clock, work } = schedule(200);
    made.begin('final', 'figures', {});
    work.done += 1;
    clock.now += 50_000;
    for (let i = 0; i < 9; i += 1) {
      expect(made.hasTime('int8')).toBe(true);
      candidate(10, 100);
      expect(made.remaining()).toBeLessThanOrEqual(200 - made.elapsed);
    }
    // 140 s have passed, one more takes 10, the end 50
    expect(made.hasTime('int8')).toBe(true);
    candidate(11, 100);
    expect(made.hasTime('int8')).toBe(false);
  });

  it('does not count the set-up of the environment', async () => {
    const { made, clock, candidate } = schedule(140);
    await made.runUncounted('environment', () => {
      clock.now += 90_000;
      return Promise.resolve();
    });
    expect(made.steps).toEqual([{ name: 'environment', seconds: 90, reused: false }]);
    expect(made.elapsed).toBe(90);
    candidate(10, 50);
    // 10 s have passed, one more takes 10, the end 90
    expect(made.hasTime('int8')).toBe(true);
    candidate(31, 48);
    expect(made.hasTime('int8')).toBe(false);
  });

  it('records how long steps took, and which were reused', async () => {
    const { made, work, clock } = schedule(null);
    await made.run('pictures', () => {
      work.recalled += 2;
      return Promise.resolve();
    });
    await made.run('search', () => {
      work.recalled += 2;
      work.done += 1;
      clock.now += 3000;
      return Promise.resolve();
    });
    expect(made.steps).toEqual([
      { name: 'pictures', seconds: 0, reused: true },
      { name: 'search', seconds: 3, reused: false },
    ]);
  });
});
