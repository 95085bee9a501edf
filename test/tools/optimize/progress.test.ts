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
  /** lets a candidate take so many seconds */
  const candidate = (seconds: number, left: number): void => {
    made.beginCandidate('c', left);
    clock.now += 1000 * seconds;
  };
  return { clock, events, work, made, candidate };
}

describe('Schedule', () => {
  it('says what remains from what candidates took', () => {
    const { made, candidate, events } = schedule(null);
    expect(made.remaining()).toBeNull();
    candidate(10, 5);
    candidate(10, 4);
    made.beginCandidate('third', 3);
    // three more and the final measurements, ten seconds each
    expect(made.remaining()).toBe(10 * (3 + 8));
    expect(events.at(-1)).toEqual({ step: '', detail: 'third', remaining: 110 });
    expect(made.hasTime()).toBe(true);
  });

  it('keeps time for the end of a budget, and never promises more than it has', () => {
    const { made, candidate } = schedule(200);
    for (let i = 0; i < 10; i += 1) {
      expect(made.hasTime()).toBe(true);
      candidate(10, 100);
    }
    made.beginCandidate('next', 100);
    // 100 s are gone, one more takes 10, the end 80
    expect(made.hasTime()).toBe(true);
    expect(made.remaining()).toBe(100);
    candidate(15, 100);
    made.beginCandidate('last', 100);
    expect(made.hasTime()).toBe(false);
  });

  it('does not count the making of the environment', async () => {
    const { made, clock, candidate } = schedule(100);
    await made.runUncounted('environment', () => {
      clock.now += 90_000;
      return Promise.resolve();
    });
    expect(made.steps).toEqual([{ name: 'environment', seconds: 90, reused: false }]);
    expect(made.elapsed).toBe(90);
    expect(made.hasTime()).toBe(true);
    candidate(10, 50);
    made.beginCandidate('next', 49);
    expect(made.remaining()).toBe(90);
    // 10 s are gone, one more takes 10, the end 80
    expect(made.hasTime()).toBe(true);
    candidate(11, 48);
    expect(made.hasTime()).toBe(false);
  });

  it('notes how long steps took, and which an earlier run had done', async () => {
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
