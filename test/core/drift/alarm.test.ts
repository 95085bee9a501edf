import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgesOf, probabilitiesOf } from '../../../src/core/drift/alarm/bins.ts';
import { ALARMED } from '../../../src/core/drift/alarm/alarmed.ts';
import { CameraAlarm, type AlarmReference } from '../../../src/core/drift/alarm/camera-alarm.ts';
import { AT_FIRST, nextState, type StateMemory } from '../../../src/core/drift/alarm/state.ts';
import { OBSERVED, PLACE } from '../../../src/core/drift/observe/observed.ts';
import { alarmReference } from '../../../src/core/drift/reference/alarm-reference.ts';
import { makeFeatures } from '../../../src/core/drift/reference/make-features.ts';
import { contextOf } from '../../../src/core/drift/reference/observations.ts';
import { blockSpreads, type BlockSpread } from '../../../src/core/drift/alarm/support.ts';
import { makeSpaces } from '../../../src/core/drift/space/context-space.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';

const NAMES = ['brightness', 'contrast', 'noise'] as const;

/** An observation with these values, and nothing else. */
function observation(values: readonly number[]): Float64Array {
  const all = new Float64Array(OBSERVED.length).fill(NaN);
  NAMES.forEach((name, i) => (all[PLACE[name]] = values[i] ?? NaN));
  return all;
}

/** How often it alarms; evidence is gathered anew after each. */
function alarmsOf(
  alarm: CameraAlarm,
  threshold: number,
  steps: number,
  next: () => readonly number[],
): number {
  let alarms = 0;
  for (let step = 0; step < steps; step += 1) {
    alarm.update(observation(next()));
    if (alarm.evidence < threshold) continue;
    alarms += 1;
    alarm.reset();
  }
  return alarms;
}

/** Alarms that the threshold allows, with three standard deviations for chance. */
const allowed = (steps: number, threshold: number): number =>
  steps / threshold + 3 * Math.sqrt(steps / threshold);

/** A context of three features: where its 8 bins begin, and their true probabilities. */
interface Context {
  readonly from: number;
  readonly probabilities: readonly number[];
}

const SHARES = [0.3, 0.25, 0.2, 0.1, 0.05, 0.05, 0.03, 0.02];
const DAY: Context = { from: 0, probabilities: SHARES };
const NIGHT: Context = { from: 20, probabilities: [...SHARES].reverse() };
const EDGES = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5];

const spreadsOf = (rows: readonly Float64Array[]): BlockSpread[][] =>
  ALARMED.map((_, at) => blockSpreads(rows.map((row) => row[at] ?? NaN)));

function referenceOf(...contexts: readonly Context[]): AlarmReference {
  const random = createRandom(99);
  const rows = contexts.map((context) =>
    Array.from({ length: 2000 }, () => observation(NAMES.map(() => draw(context, random)))),
  );
  const spaces = makeSpaces(rows);
  const isUsed = new Set<string>(NAMES);
  return {
    contexts: contexts.map(({ from, probabilities }, k) => ({
      name: `context ${k}`,
      relief: null,
      space: spaces[k]!,
      bins: ALARMED.map((name) =>
        isUsed.has(name) ? { edges: EDGES.map((edge) => from + edge), probabilities } : null,
      ),
      spreads: spreadsOf(rows[k]!),
      places: [],
    })),
    discounts: Object.fromEntries(NAMES.map((name) => [name, 0])),
  };
}

function draw({ from, probabilities }: Context, random: Random): number {
  let rest = random.next();
  const at = probabilities.findIndex((share) => (rest -= share) < 0);
  return from + (at < 0 ? probabilities.length - 1 : at);
}

/** A reference that supports any evidence. */
const withoutLimits = (reference: AlarmReference): AlarmReference => ({
  ...reference,
  contexts: reference.contexts.map((context) => ({
    ...context,
    spreads: context.spreads.map(() => [{ length: 10, mean: -1e6, deviation: 1, degrees: 1000 }]),
  })),
});

describe('bins', () => {
  it('are at most 16, ascend, and have probabilities that add up to 1', () => {
    const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(values, (of) => {
        const edges = edgesOf(of);
        expect(edges.length).toBeLessThanOrEqual(15);
        edges.forEach((edge, i) => expect(edge).toBeGreaterThan(edges[i - 1] ?? -Infinity));
        const shares = probabilitiesOf(edges, of);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('leave what was not measured out', () => {
    expect(edgesOf([NaN, NaN])).toEqual([]);
    expect(probabilitiesOf([0.5], [NaN, 0, 0, 1])).toEqual([2.5 / 4, 1.5 / 4]);
  });
});

describe('the alarm', () => {
  const THRESHOLD = 300;
  const STEPS = 60_000;

  it.each(['day', 'night', 'switches'])('keeps its promise without drift: %s', (kind) => {
    const random = createRandom(7);
    let isDay = kind !== 'night';
    const next = (): number[] => {
      if (kind === 'switches' && random.chance(0.005)) isDay = !isDay;
      return NAMES.map(() => draw(isDay ? DAY : NIGHT, random));
    };
    const alarm = new CameraAlarm(referenceOf(DAY, NIGHT), THRESHOLD);
    expect(alarmsOf(alarm, THRESHOLD, STEPS, next)).toBeLessThan(allowed(STEPS, THRESHOLD));
  });

  it('would not with another distribution', () => {
    const random = createRandom(7);
    const other = { from: DAY.from, probabilities: NIGHT.probabilities };
    const alarm = new CameraAlarm(referenceOf(other), THRESHOLD);
    const alarms = alarmsOf(alarm, THRESHOLD, STEPS, () => NAMES.map(() => draw(DAY, random)));
    expect(alarms).toBeGreaterThan(5 * allowed(STEPS, THRESHOLD));
  });

  it('gathers no more evidence than the reference supports', () => {
    const random = createRandom(5);
    const reference = referenceOf(DAY);
    const few = reference.contexts.map((context) => ({
      ...context,
      spreads: context.spreads.map((all) =>
        all.map((spread) => ({ ...spread, deviation: 4 * spread.deviation, degrees: 3 })),
      ),
    }));
    const drifted = (of: AlarmReference): number => {
      const alarm = new CameraAlarm(of, 604_800);
      for (let step = 0; step < 100; step += 1) {
        const [first, , last] = NAMES.map(() => draw(DAY, random));
        alarm.update(observation([first!, 4, last!]));
      }
      return alarm.evidence;
    };
    expect(drifted(reference)).toBeGreaterThan(604_800);
    expect(drifted({ ...reference, contexts: few })).toBeLessThan(1_000);
  });

  it('notices what stays within the range of the reference, whatever calibration asks for', () => {
    const random = createRandom(8);
    const values = (mean: number, deviation: number): number[] =>
      NAMES.map(() => mean + deviation * random.bell());
    const rows = Array.from({ length: 1200 }, () => observation(values(5, 1)));
    const context = { name: 'day', ...contextOf(rows) };
    const features = Object.entries(makeFeatures([context], random)).map(
      ([name, one]) => [name, { ...one, discount: 6 }] as const,
    );
    const reference = alarmReference([context], Object.fromEntries(features));
    const uncapped = Object.fromEntries(NAMES.map((name) => [name, 6]));
    const after = (of: AlarmReference): number => {
      const alarm = new CameraAlarm(of, 604_800);
      for (let step = 0; step < 60; step += 1) alarm.update(observation(values(7.2, 0.3)));
      return alarm.evidence;
    };
    expect(after(reference)).toBeGreaterThan(604_800);
    expect(after({ ...reference, discounts: uncapped })).toBeLessThan(100);
  });

  it('notices what neither context shows, and names the feature', () => {
    const random = createRandom(3);
    const alarm = new CameraAlarm(referenceOf(DAY, NIGHT), 604_800);
    const normal = (): number[] => NAMES.map(() => draw(DAY, random));
    for (let step = 0; step < 200; step += 1) alarm.update(observation(normal()));
    let delay = 0;
    while (alarm.evidence < 604_800 && delay < 100) {
      alarm.update(observation([normal()[0]!, 4, normal()[2]!]));
      delay += 1;
    }
    expect(delay).toBeLessThan(25);
    expect(alarm.shares()[0]).toMatchObject({ feature: 'contrast' });
    expect(alarm.shares()[0]?.share).toBeGreaterThan(0.9);
    expect(alarm.shares()[0]?.age).toBeLessThanOrEqual(delay + 60);
  });

  it('takes no evidence from what was not measured', () => {
    const alarm = new CameraAlarm(referenceOf(DAY), THRESHOLD);
    for (let step = 0; step < 50; step += 1) alarm.update(observation([]));
    expect(alarm.evidence).toBe(0);
  });

  describe('with observations that depend on those before', () => {
    /** Two contexts in which each value is mostly the one before. */
    function autoregression(random: Random, keep: number) {
      const state = NAMES.map(() => 0);
      return (mean: number): number[] =>
        state.map((value, i) => {
          state[i] = keep * value + Math.sqrt(1 - keep * keep) * random.bell();
          return state[i] + mean;
        });
    }

    const observed = (keep: number, mean: number, seed: number): Float64Array[] => {
      const next = autoregression(createRandom(seed), keep);
      return Array.from({ length: 600 }, () => observation(next(mean)));
    };
    const contexts = [
      { name: 'day', ...contextOf(observed(0.8, 25, 1)) },
      { name: 'night', ...contextOf(observed(0.8, 20, 2)) },
    ];
    const reference = alarmReference(contexts, makeFeatures(contexts, createRandom(1)));
    const count = (reference: AlarmReference, threshold: number): number => {
      const random = createRandom(11);
      const next = autoregression(random, 0.8);
      let mean = 20;
      return alarmsOf(new CameraAlarm(reference, threshold), threshold, STEPS, () => {
        if (random.chance(0.005)) mean = 45 - mean;
        return next(mean);
      });
    };

    it.each([300, 3_000])('keeps its promise by what calibration found: one in %i', (threshold) => {
      expect(count(reference, threshold)).toBeLessThan(allowed(STEPS, threshold));
    });

    it('would not without', () => {
      const discounts = Object.fromEntries(Object.keys(reference.discounts).map((name) => [name, 0]));
      const without = withoutLimits({ ...reference, discounts });
      expect(count(without, 300)).toBeGreaterThan(2 * allowed(STEPS, 300));
    });
  });
});

describe('states', () => {
  const after = (ratios: readonly number[], from: StateMemory = AT_FIRST): string =>
    ratios.reduce(nextState, from).state;
  const many = (count: number, ratio: number): number[] => new Array<number>(count).fill(ratio);

  it.each([
    ['ok', [0, 0.05, 0.09]],
    ['suspect', [0, 0.1]],
    ['suspect', [0.1, ...many(19, 0.001)]],
    ['ok', [0.1, ...many(20, 0.001)]],
    ['suspect', [0.1, ...many(15, 0.001), 0.02, ...many(15, 0.001)]],
    ['drifted', [0.1, 1]],
    ['drifted', [1, ...many(100, 0.5)]],
    ['drifted', [1, ...many(19, 0.001)]],
    ['recovering', [1, ...many(20, 0.001)]],
    ['recovering', [1, ...many(79, 0.001)]],
    ['ok', [1, ...many(80, 0.001)]],
    ['drifted', [1, ...many(30, 0.001), 3]],
    ['recovering', [1, ...many(60, 0.001), 0.5, ...many(40, 0.001)]],
  ])('%s after %j', (state, ratios) => {
    expect(after(ratios)).toBe(state);
  });
});
