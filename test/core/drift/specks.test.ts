import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CameraAlarm } from '../../../src/core/drift/alarm/camera-alarm.ts';
import { blockSpreads, SPECKS } from '../../../src/core/drift/alarm/support.ts';
import { PATCH_COUNT } from '../../../src/core/drift/frame-block.ts';
import { OBSERVED, PLACE } from '../../../src/core/drift/observe/observed.ts';
import { reliefProfile } from '../../../src/core/drift/observe/relief.ts';
import { SpecksWatch } from '../../../src/core/drift/observe/specks-watch.ts';
import { alarmReference } from '../../../src/core/drift/reference/alarm-reference.ts';
import { makeFeatures } from '../../../src/core/drift/reference/make-features.ts';
import { contextOf } from '../../../src/core/drift/reference/observations.ts';
import { causeOf } from '../../../src/core/drift/verdict/causes.ts';
import { CameraJudge } from '../../../src/core/drift/verdict/camera-judge.ts';
import { SPACE } from '../../../src/core/drift/space/scale.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import { NIGHT, observe, type Change } from './judged.ts';

/** The upper sixth of the image, such as the sky, is calm. */
const CALM = PATCH_COUNT / 6;

const reliefOf = (random: Random): Float64Array =>
  Float64Array.from({ length: PATCH_COUNT }, (_, i) => (i < CALM ? 1 : 25) * random.range(-1, 1));

/** What a watch says of a scene in which specks of 5 gray levels are at some patches in some observations. */
function watched(isSpeck: (patch: number, second: number) => boolean, seconds: number): number[] {
  const random = createRandom(3);
  const watch = new SpecksWatch(reliefProfile(Array.from({ length: 200 }, () => reliefOf(random)))!);
  return Array.from({ length: seconds }, (_, second) => {
    const relief = reliefOf(random);
    for (let i = 0; i < PATCH_COUNT; i += 1) if (isSpeck(i, second)) relief[i]! += 5;
    return watch.update(relief);
  });
}

const every = (patch: number): boolean => patch % 8 === 0;

describe('what is stuck', () => {
  it('is unknown for 36 observations, and small without a speck', () => {
    const values = watched(() => false, 300);
    expect(values.slice(0, 35).every(Number.isNaN)).toBe(true);
    expect(Math.max(...values.slice(35))).toBeLessThan(0.1);
  });

  it('is a speck at a calm place once it was there for all three thirds', () => {
    const values = watched((patch, second) => patch < CALM && every(patch) && second >= 40, 120);
    expect(values[60]).toBeLessThan(0.1);
    expect(Math.min(...values.slice(76))).toBeGreaterThan(0.7);
  });

  it('is nothing that goes away after 20 s, wherever it comes back', () => {
    const values = watched((patch, second) => patch < CALM && every(patch) && second % 45 < 20, 300);
    expect(Math.max(...values.slice(35))).toBeLessThan(0.2);
  });

  it('is nothing at a lively place', () => {
    const values = watched((patch) => patch >= CALM && every(patch), 300);
    expect(Math.max(...values.slice(35))).toBeLessThan(0.1);
  });

  it('is nothing where lively places are off for as long, since the camera hardly moves', () => {
    const moving = watched((patch) => patch < CALM && every(patch), 120);
    expect(moving.at(-1)).toBeGreaterThan(0.7);
    const random = createRandom(4);
    const usual = Array.from({ length: 200 }, () => reliefOf(random));
    const watch = new SpecksWatch(reliefProfile(usual)!);
    // one place, and none of what is usual
    const place = reliefOf(random).map((gray) => 2 * gray);
    for (let i = 0; i < 60; i += 1) watch.update(place);
    expect(watch.update(place)).toBeLessThan(0.4);
    // the same calm places before a scene that moves
    const alone = new SpecksWatch(reliefProfile(usual)!);
    const mixed = (): Float64Array => reliefOf(random).map((gray, i) => (i < CALM ? place[i]! : gray));
    for (let i = 0; i < 60; i += 1) alone.update(mixed());
    expect(alone.update(mixed())).toBeGreaterThan(0.7);
  });

  it('begins anew', () => {
    const zero = { middle: Array<number>(PATCH_COUNT).fill(0), spread: Array<number>(PATCH_COUNT).fill(1) };
    const watch = new SpecksWatch(zero);
    const relief = (gray: number): Float64Array => new Float64Array(PATCH_COUNT).fill(gray, 0, CALM);
    for (let i = 0; i < 100; i += 1) watch.update(relief(-6));
    expect(watch.update(relief(-6))).toBe(3);
    watch.clear();
    for (let i = 0; i < 35; i += 1) expect(watch.update(relief(2))).toBeNaN();
    expect(watch.update(relief(2))).toBe(1);
    expect(watch.update(new Float64Array(0))).toBeNaN();
  });

  it('is the least of the medians of three thirds', () => {
    const median = (values: number[]): number => {
      const sorted = values.toSorted((a, b) => a - b);
      return (sorted[5]! + sorted[6]!) / 2;
    };
    const expected = (newest: number[]): number => {
      const thirds = [0, 12, 24].map((from) => median(newest.slice(from, from + 12)));
      const isOneSide = thirds.every((one) => one > 0) || thirds.every((one) => one < 0);
      return isOneSide ? Math.min(6, ...thirds.map(Math.abs)) : 0;
    };
    const gray = fc.integer({ min: -20, max: 20 });
    fc.assert(
      fc.property(fc.array(gray, { minLength: 36, maxLength: 90 }), (grays) => {
        const zeros = Array<number>(PATCH_COUNT).fill(0);
        // the deviation is 1 by what is added to it
        const watch = new SpecksWatch({ middle: zeros, spread: zeros });
        grays.forEach((one, i) => {
          const value = watch.update(new Float64Array(PATCH_COUNT).fill(one, 0, CALM));
          if (i >= 35) expect(value).toBeCloseTo(expected(grays.slice(i - 35, i + 1)), 9);
        });
      }),
    );
  });
});

describe('the alarm by what is stuck', () => {
  /**
   * A camera with a calm sky, below which each place stays in view for 10 observations.
   * @returns observations, with `added` to the sky
   */
  const cameraOf = (random: Random) => {
    let count = 0;
    const lively = new Float64Array(PATCH_COUNT);
    return (added: (patch: number) => number, change: Change = {}): Float64Array => {
      if (count % 10 === 0) lively.forEach((_, i) => (lively[i] = 25 * random.range(-1, 1)));
      count += 1;
      const row = observe(random, change);
      for (let i = 0; i < PATCH_COUNT; i += 1)
        row[OBSERVED.length + i] = i < CALM ? added(i) + random.range(-1, 1) : lively[i]!;
      return row;
    };
  };
  const judgeOf = (...rows: Float64Array[][]): CameraJudge => {
    const contexts = rows.map((one, i) => ({ name: String(i), ...contextOf(one) }));
    return new CameraJudge({ contexts, features: makeFeatures(contexts, createRandom(1)) }, 1);
  };

  it('finds faint specks before a calm sky', () => {
    const camera = cameraOf(createRandom(6));
    const clean = (): Float64Array => camera(() => 0);
    const judge = judgeOf(Array.from({ length: 1200 }, clean));
    for (let i = 0; i < 400; i += 1) judge.update(clean());
    expect(judge.verdict().evidence).toBeLessThan(0.1);
    let seconds = 0;
    for (; seconds < 60 && judge.state !== 'drifted'; seconds += 1)
      judge.update(camera((patch) => (patch % 24 === 0 ? 3.5 : 0)));
    expect(judge.verdict()).toMatchObject({ state: 'drifted', cause: { cause: 'dirt' } });
    expect(judge.verdict().features[0]?.feature).toBe('specks');
    // half a minute is what a bus may stay
    expect(seconds).toBeGreaterThan(30);
  });

  it('says nothing when the sky is another one at night', () => {
    const camera = cameraOf(createRandom(8));
    const [day, night] = [() => camera(() => 4), () => camera(() => -4, NIGHT)];
    const judge = judgeOf(Array.from({ length: 600 }, day), Array.from({ length: 600 }, night));
    const states = new Set<string>();
    for (let i = 0; i < 900; i += 1) {
      judge.update(i % 300 < 150 ? day() : night());
      states.add(judge.state);
    }
    expect([...states]).toEqual(['ok']);
  });

  it('begins anew with each context', () => {
    const camera = cameraOf(createRandom(9));
    const [day, night] = [() => camera(() => 0), () => camera(() => 0, NIGHT)];
    const contexts = [day, night].map((one, i) => ({
      name: String(i),
      ...contextOf(Array.from({ length: 200 }, one)),
    }));
    const alarm = new CameraAlarm(alarmReference(contexts, {}), 1);
    const known = (count: number, one: () => Float64Array): number =>
      Array.from({ length: count }, () => {
        alarm.update(one());
        return alarm.values.all[PLACE.specks]!;
      }).filter((value) => !Number.isNaN(value)).length;
    expect(known(50, day)).toBe(15);
    expect(known(50, night)).toBe(15);
    expect(known(35, day)).toBe(0);
    expect(known(1, day)).toBe(1);
  });

  it('has a least deviation, so that a camera that stands still needs more than it can measure', () => {
    const values = Array.from({ length: 1000 }, () => 0.02);
    expect(blockSpreads(values, SPECKS)[0]).toMatchObject({ length: 25, deviation: 0.03 });
    expect(blockSpreads(values)[0]?.deviation).toBeLessThan(1e-6);
  });

  it('is dirt unless the image changed otherwise', () => {
    const named = (sigmas: Partial<Record<string, number>>): string =>
      causeOf(
        {},
        Float64Array.from(SPACE, (name) => sigmas[name] ?? 0),
        'specks',
      ).cause;
    // by itself, more boxes would be another cause
    expect(named({ boxes: 2.5, candidates: 2.5 })).toBe('dirt');
    expect(named({ boxes: 2.5, candidates: 2.5, pattern: 8, roll: 8 })).toBe('camera_moved');
    expect(named({ rough_10: 9, rough_25: 9 })).toBe('noise');
  });
});
