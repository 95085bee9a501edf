import { describe, expect, it } from 'vitest';
import { OBSERVATION_FLOATS, PLACE } from '../../../src/core/drift/observe/observed.ts';
import { makeFeatures } from '../../../src/core/drift/reference/make-features.ts';
import { contextOf } from '../../../src/core/drift/reference/observations.ts';
import { CAUSES, type CauseName } from '../../../src/core/drift/verdict/causes.ts';
import { CameraJudge } from '../../../src/core/drift/verdict/camera-judge.ts';
import { windowVerdict } from '../../../src/core/drift/verdict/to-window.ts';
import { newerVerdict, verdictWords } from '../../../src/core/drift/window-verdict.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import { NIGHT, observe, referenceOf, type Change } from './judged.ts';

const REFERENCE = referenceOf();

/** A judge after some observations without drift. */
function judgeAfter(seconds: number, change: Change = {}) {
  const random = createRandom(9);
  const judge = new CameraJudge(REFERENCE, 1);
  for (let i = 0; i < seconds; i += 1) judge.update(observe(random, change));
  /** @returns observations until the alarm; null without one */
  const drift = (by: Change, most = 60): number | null => {
    for (let i = 1; i <= most; i += 1) {
      judge.update(observe(random, by));
      if (judge.state === 'drifted') return i;
    }
    return null;
  };
  return { judge, random, drift };
}

describe('a judge', () => {
  it('is quiet in each context, and while they alternate', () => {
    const { judge, random } = judgeAfter(200);
    for (let i = 0; i < 2_000; i += 1) judge.update(observe(random, i % 400 < 200 ? NIGHT : {}));
    expect(judge.verdict()).toMatchObject({ state: 'ok', features: [], cause: null, sinceSeconds: 0 });
  });

  it('takes what stays for some seconds, such as a bus ahead, for no dirt', () => {
    const { judge, random } = judgeAfter(100);
    const states = new Set<string>();
    for (let i = 0; i < 1_200; i += 1) {
      judge.update(observe(random, i % 60 < 15 ? { dirt: 4 } : {}));
      states.add(judge.state);
    }
    expect(states).not.toContain('drifted');
    // the same is dirt once it does not go away
    expect(judgeAfter(100).drift({ dirt: 4 })).toBeGreaterThan(15);
  });

  it('does not alarm by which class leads, however long', () => {
    const leading = (random: Random, one: number): Float64Array => {
      const row = observe(random);
      row[PLACE.top_class] = one;
      return row;
    };
    const random = createRandom(7);
    const rows = Array.from({ length: 300 }, () => leading(random, random.int(0, 2)));
    const contexts = [{ name: 'day', ...contextOf(rows) }];
    const judge = new CameraJudge({ contexts, features: makeFeatures(contexts, createRandom(1)) }, 1);
    for (let i = 0; i < 300; i += 1) judge.update(leading(random, i < 100 ? random.int(0, 2) : 7));
    expect(judge.state).toBe('ok');
  });

  it.each<[CauseName, Change]>([
    [
      'dark',
      { brightness: -0.25, entropy: -0.6, black_share: 0.02, luma_5: -35, luma_top: -90, luma_low: -50 },
    ],
    ['glare', { brightness: 0.3, blown_share: 0.3, contrast: 0.02 }],
    ['fog', { brightness: 0.08, saturation: -0.08, luma_5: 25, steps: -3, contrast: -0.02, luma_low: 12 }],
    ['rain', { saturation: -0.02, streaks: 0.06, relief_10: 0.12, relief_25: 0.2, entropy: 0.1 }],
    ['blur', { rough_75: -1, rough_25: -0.1, streaks: -0.05, contrast: -0.01 }],
    ['noise', { rough_10: 3, rough_25: 4, rough_75: 8, relief_10: 0.8, entropy: 0.5, streaks: 0.5 }],
    ['dirt', { dirt: 30, relief_10: 0.2, relief_25: 0.6 }],
    ['camera_moved', { roll: 0.08, slope_x: 0.2, dirt: 5 }],
    ['scene', { boxes: 25 }],
    ['sensor_fault', { contrast: -0.22 }],
  ])('tells %s by what it does to features', (cause, change) => {
    const { judge, drift } = judgeAfter(100);
    expect(drift(change)).not.toBeNull();
    const verdict = judge.verdict();
    expect(verdict.cause?.cause).toBe(cause);
    expect(verdict.cause?.evidence.length).toBeGreaterThan(0);
    expect(verdict.context).toBe('day');
  });

  it('says since when, how sure, by which features and how much', () => {
    const { judge, drift } = judgeAfter(100);
    const seconds = drift({ rough_75: -1, rough_25: -0.1 })!;
    const verdict = judge.verdict();
    expect(verdict.evidence).toBeGreaterThanOrEqual(1);
    expect(verdict.sinceSeconds).toBeGreaterThanOrEqual(seconds - 4);
    expect(verdict.sinceSeconds).toBeLessThanOrEqual(seconds + 10);
    const [first] = verdict.features;
    expect(['rough_75', 'rough_25']).toContain(first?.feature);
    expect(Math.abs(first?.sigmas ?? 0)).toBeGreaterThan(3);
    expect(first?.wasserstein).toBeGreaterThan(3);
    expect(first?.psi).toBeGreaterThan(0.2);
    const sent = windowVerdict(verdict, 1_700_000_100_000);
    expect(Date.parse(sent.since ?? '')).toBe(1_700_000_100_000 - verdict.sinceSeconds * 1000);
    expect(verdictWords(sent)).toContain(`the input changed: ${CAUSES.blur}`);
    expect(verdictWords(sent)).toMatch(/; whether the model sees worse is not known$/);
    const known = { share: 0.5, low: 0.4, high: 0.6, frames: 300, baseline: 'bundle', reason: null } as const;
    expect(verdictWords(sent, { ...known, state: 'worse' })).toMatch(/; the model sees worse: .* 50 %/);
    expect(verdictWords(sent, { ...known, state: 'as_expected' })).toMatch(/; an estimated 50 % of its AP/);
    const none = { share: null, low: null, high: null, frames: 0, baseline: null, reason: 'no fit' } as const;
    expect(verdictWords(sent, { ...none, state: 'unavailable' })).toMatch(/sees worse is not known$/);
  });

  it('recovers, and says so', () => {
    const { judge, random, drift } = judgeAfter(100);
    drift({ noise: 3 });
    const states = new Set<string>();
    for (let i = 0; i < 900 && judge.state !== 'ok'; i += 1) {
      judge.update(observe(random));
      states.add(judge.state);
    }
    expect([...states]).toEqual(['drifted', 'recovering', 'ok']);
    expect(judge.verdict().features).toEqual([]);
  });

  it('takes nothing from observations without a value', () => {
    const judge = new CameraJudge(REFERENCE, 1);
    for (let i = 0; i < 50; i += 1) judge.update(new Float64Array(OBSERVATION_FLOATS).fill(NaN));
    expect(judge.verdict()).toMatchObject({ state: 'ok', evidence: 0 });
  });

  it('alarms later if fewer false alarms are allowed', () => {
    const delay = (perWeek: number): number => {
      const random = createRandom(2);
      const judge = new CameraJudge(REFERENCE, perWeek);
      for (let i = 0; i < 100; i += 1) judge.update(observe(random));
      let seconds = 0;
      while (judge.state !== 'drifted' && seconds < 200) {
        judge.update(observe(random, { sharpness: -3 }));
        seconds += 1;
      }
      return seconds;
    };
    expect(delay(0.01)).toBeGreaterThan(delay(1000));
  });
});

describe('verdicts of windows that become one', () => {
  const at = (seconds: number) => ({ at: new Date(seconds * 1000).toISOString() });

  it('are that of the newer one, in any order', () => {
    expect(newerVerdict(at(1), at(2))).toEqual(at(2));
    expect(newerVerdict(at(2), at(1))).toEqual(at(2));
    expect(newerVerdict(undefined, at(1))).toEqual(at(1));
    expect(newerVerdict(at(1), undefined)).toEqual(at(1));
    const [one, other] = [
      { ...at(1), state: 'ok' },
      { ...at(1), state: 'drifted' },
    ];
    expect(newerVerdict(one, other)).toBe(newerVerdict(other, one));
  });
});
