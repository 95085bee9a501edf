import { describe, expect, it } from 'vitest';
import type { StepKind } from '../../../src/tools/optimize/forecast.ts';
import { Schedule } from '../../../src/tools/optimize/progress.ts';
import { Search } from '../../../src/tools/optimize/search.ts';
import { candidateOf, planOf } from './candidates.ts';

/** Recorded seconds per step of a run with YOLOX-nano on a busy machine with 2 cores, in order. */
const RECORDED: Readonly<Record<StepKind, readonly number[]>> = {
  float: [12, 12, 27, 31, 31, 35, 25],
  int8: [
    70, 19, 35, 32, 52, 38, 35, 45, 43, 38, 36, 59, 52, 28, 26, 32, 38, 22, 38, 35, 32, 35, 29, 22, 24, 26,
    13, 18, 26, 38, 54, 42, 46, 31, 46, 26,
  ],
  equalized: [26],
  corrected: [304],
  sensitivity: [142],
  final: [149],
};
const AP = 0.38;
const LAYERS = 113;

/** What the schedule predicted, and the actual value. */
interface Reported {
  readonly kind: StepKind;
  readonly remaining: number | null;
  readonly at: number;
}

/** Runs a search over layers of increasing sensitivity, of which about `kept` must stay in float, on a fake clock. */
async function replay(
  kept: number,
  arithmetic: 'exact' | 'saturating',
): Promise<{ reported: Reported[]; end: number }> {
  const clock = { now: 0 };
  const work = { done: 0, recalled: 0 };
  const schedule = new Schedule(
    null,
    work,
    () => undefined,
    () => clock.now,
  );
  const reported: Reported[] = [];
  const taken: Partial<Record<StepKind, number>> = {};
  let kind: StepKind = 'float';
  const pass = (): void => {
    const seconds = RECORDED[kind];
    const index = taken[kind] ?? 0;
    taken[kind] = index + 1;
    work.done += 1;
    clock.now += 1000 * seconds[index % seconds.length]!;
  };
  const begin = (next: StepKind, name: string, left: Parameters<Schedule['begin']>[2]): void => {
    kind = next;
    schedule.begin(next, name, left);
    reported.push({ kind, remaining: schedule.remaining(), at: clock.now / 1000 });
  };
  const search = new Search(
    {
      try: (plan) => {
        pass();
        if (plan.kind !== 'static') return Promise.resolve(candidateOf(plan, {}));
        const floats = plan.scheme.keepFloat.length;
        const lost = 0.06 * Math.sqrt(Math.max(0, LAYERS - floats) / Math.max(1, LAYERS - kept));
        const facts = { ratio: 0.7 + 0.002 * floats, agreement: 1 - lost, drop: 1.3 * AP * lost ** 2 };
        return Promise.resolve(candidateOf(plan, facts));
      },
      sensitivity: () => {
        pass();
        return Promise.resolve(
          Array.from({ length: LAYERS }, (_, i) => {
            return { node: `layer${i}`, opType: 'Conv', error: 1 / (1 + i), parameters: 1, outputShape: [1] };
          }),
        );
      },
      hasTime: (next) => schedule.hasTime(next),
      onStep: begin,
    },
    {
      ...{ maxApDrop: 0.0025, originalAp: AP, arithmetic, hasTrainedRanges: false },
      original: planOf('original') as never,
      clean: planOf('clean') as never,
    },
  );
  await search.run();
  begin('final', '', {});
  pass();
  return { reported, end: clock.now / 1000 };
}

describe('the time that remains', () => {
  it.each([
    [0, 'exact'],
    [6, 'saturating'],
    [30, 'exact'],
    [60, 'saturating'],
  ] as const)(
    'is true within a factor of 1.5, four times of five, with %d layers in float, sums %s',
    async (kept, arithmetic) => {
      const { reported, end } = await replay(kept, arithmetic);
      // from when the layers are known: before that, nobody can tell how many tries the floor will take
      const known = reported.slice(reported.findIndex(({ kind }) => kind === 'sensitivity'));
      const ratios = known.map(({ remaining, at }) => remaining! / (end - at));
      const wrong = ratios.filter((ratio) => ratio > 1.5 || ratio < 1 / 1.5);
      expect(known.length).toBeGreaterThan(5);
      expect(wrong.length).toBeLessThanOrEqual(0.2 * known.length);
      const last = known.slice(-4).map(({ remaining }) => remaining!);
      expect([...last].sort((a, b) => b - a)).toEqual(last);
    },
  );

  it('shrinks during a run by about the time that passes', async () => {
    const { reported, end } = await replay(20, 'exact');
    const known = reported.slice(reported.findIndex(({ kind }) => kind === 'sensitivity'));
    const [first, last] = [known[0]!, known.at(-1)!];
    const passed = last.at - first.at;
    expect(first.remaining! - last.remaining!).toBeGreaterThan(0.6 * passed);
    expect(first.remaining! - last.remaining!).toBeLessThan(1.6 * passed);
    expect(end).toBeGreaterThan(900);
  });
});
