import { describe, expect, it } from 'vitest';
import { ALARMED } from '../../../src/core/drift/alarm/alarmed.ts';
import {
  blockSpreads,
  LASTING,
  NewestValues,
  PATTERN,
  type BlockSpread,
  type SupportRule,
} from '../../../src/core/drift/alarm/support.ts';
import { PATCH_COUNT } from '../../../src/core/drift/frame-block.ts';
import { OBSERVATION_FLOATS, PLACE, type ObservedName } from '../../../src/core/drift/observe/observed.ts';
import { PatternWatch } from '../../../src/core/drift/observe/pattern-watch.ts';
import { measureRelief, reliefProfile } from '../../../src/core/drift/observe/relief.ts';
import { alarmReference } from '../../../src/core/drift/reference/alarm-reference.ts';
import { contextOf } from '../../../src/core/drift/reference/observations.ts';
import { cholesky, dot, solve } from '../../../src/core/drift/space/cholesky.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';

const noisy = (random: Random): Float64Array =>
  Float64Array.from({ length: PATCH_COUNT }, () => 5 * random.bell());

describe('the relief of patches', () => {
  it('is what differs from the patches around, and nothing of an even slope', () => {
    const relief = new Float64Array(PATCH_COUNT);
    measureRelief(
      Float64Array.from({ length: PATCH_COUNT }, (_, i) => (i % 32) + 3 * Math.floor(i / 32)),
      relief,
    );
    // row 5, column 7: away from the border, beyond which patches repeat
    expect(relief[5 * 32 + 7]).toBeCloseTo(0, 9);
    const bump = new Float64Array(PATCH_COUNT);
    bump[5 * 32 + 7] = 80;
    measureRelief(bump, relief);
    expect(relief[5 * 32 + 7]).toBe(80);
    expect(relief[5 * 32 + 8]).toBe(-10);
    expect(relief[5 * 32 + 9]).toBeCloseTo(0, 9);
  });

  it('has no profile without an observation', () => {
    expect(reliefProfile([])).toBeNull();
  });
});

describe('the pattern', () => {
  const random = createRandom(4);
  const profile = reliefProfile(Array.from({ length: 200 }, () => noisy(random)))!;
  const meanOf = (change: (relief: Float64Array) => void): number => {
    const watch = new PatternWatch(profile);
    const values = Array.from({ length: 60 }, () => {
      const relief = noisy(random);
      change(relief);
      return watch.update(relief);
    }).filter((value) => !Number.isNaN(value));
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };

  it('is small for what changes, and large for what stays where it is', () => {
    const clean = meanOf(() => undefined);
    const dirty = meanOf((relief) => {
      for (let i = 0; i < PATCH_COUNT; i += 20) relief[i]! += 8;
    });
    // the same deviations, elsewhere each time
    const moving = meanOf((relief) => {
      for (let i = random.int(0, 19); i < PATCH_COUNT; i += 20) relief[i]! += 8;
    });
    expect(clean).toBeLessThan(0.02);
    expect(dirty).toBeGreaterThan(3 * clean);
    expect(dirty).toBeGreaterThan(3 * moving);
  });

  it('is unknown at first, and without a relief', () => {
    const watch = new PatternWatch(profile);
    expect(watch.update(new Float64Array(0))).toBeNaN();
    expect(watch.update(new Float64Array(PATCH_COUNT).fill(NaN))).toBeNaN();
    expect(watch.update(noisy(random))).toBeNaN();
  });
});

describe('what a reference supports', () => {
  /** A value that stays for some observations, and then is another one. */
  const places = (random: Random, stay: number): number[] =>
    Array.from({ length: 1000 / stay }, () => random.bell()).flatMap((value) =>
      Array<number>(stay).fill(value),
    );
  const support = (spread: readonly BlockSpread[], value: number): number => {
    const newest = new NewestValues();
    for (let i = 0; i < 20; i += 1) newest.add(value);
    return newest.support(spread);
  };

  const supportOfLasting = (spread: readonly BlockSpread[], value: number): number => {
    const newest = new NewestValues();
    for (let i = 0; i < 50; i += 1) newest.add(value);
    return newest.support(spread);
  };

  it('is little if it saw few places, whatever their number of observations', () => {
    const few = blockSpreads(places(createRandom(1), 50));
    const many = blockSpreads(places(createRandom(1), 1));
    expect(few[0]?.degrees).toBeLessThan(25);
    expect(many[0]?.degrees).toBeGreaterThan(60);
    // four deviations of a single value
    expect(support(few, 4)).toBeLessThan(1e6);
    expect(support(many, 4)).toBeGreaterThan(1e9);
  });

  it('is next to nothing for what it saw', () => {
    const spreads = blockSpreads(places(createRandom(2), 10));
    expect(support(spreads, spreads[0]?.mean ?? NaN)).toBeLessThan(100);
    expect(new NewestValues().support(spreads)).toBe(50);
  });

  it('is little for a place whose value is many times the usual one, where most are small and few are large', () => {
    /** Values of places as `pattern` and `specks` have them; each stays for as long as a mean. */
    const skewed = (random: Random): number[] =>
      Array.from({ length: 24 }, () => 0.1 * Math.exp(1.5 * random.bell())).flatMap((value) =>
        Array<number>(50).fill(value),
      );
    const falselySupported = (rule: SupportRule): number => {
      const random = createRandom(11);
      return Array.from({ length: 3000 }, () => {
        const spreads = blockSpreads(skewed(random), rule);
        return supportOfLasting(spreads, 0.1 * Math.exp(1.5 * random.bell()));
      }).filter((one) => one >= 604_800).length;
    };
    expect(falselySupported(PATTERN)).toBeLessThan(20);
    expect(falselySupported(LASTING)).toBeGreaterThan(50);
  });

  it('is enough for what is skewed where the reference hardly varies', () => {
    const random = createRandom(12);
    const values = Array.from({ length: 1200 }, () => 0.1 * (1 + 0.2 * random.bell()));
    expect(supportOfLasting(blockSpreads(values, PATTERN), 0.5)).toBeGreaterThan(604_800);
    expect(supportOfLasting(blockSpreads(values, PATTERN), 0.1)).toBeLessThan(200);
  });

  it('is little for a front of a strong color among gray ones, and enough for colors that are broken', () => {
    const random = createRandom(13);
    const rows = places(random, 50).map((value) => {
      const row = new Float64Array(OBSERVATION_FLOATS).fill(NaN);
      row[PLACE.red_balance] = row[PLACE.brightness] = 0.33 + 0.003 * value;
      return row;
    });
    const { contexts } = alarmReference([{ name: 'day', ...contextOf(rows) }], {});
    const supportAt = (name: ObservedName, deviations: number): number => {
      const spreads = contexts[0]!.spreads[ALARMED.indexOf(name)]!;
      const { mean, deviation } = spreads.at(-1)!;
      return supportOfLasting(spreads, mean + deviations * deviation);
    };
    // an alarm takes the mean of all features to reach a week of seconds
    const enough = 604_800 * ALARMED.length;
    expect(supportAt('red_balance', 14)).toBeLessThan(0.2 * enough);
    expect(supportAt('brightness', 14)).toBeGreaterThan(enough);
    expect(supportAt('red_balance', 60)).toBeGreaterThan(enough);
  });

  it('does not count what was not measured', () => {
    const values = places(createRandom(3), 1).map((value, i) => (i % 5 === 0 ? NaN : value));
    expect(blockSpreads(values)[0]?.deviation).toBeCloseTo(Math.sqrt(1 / 8), 1);
    expect(blockSpreads(Array<number>(100).fill(NaN))[0]).toMatchObject({ mean: 0, degrees: 2 });
  });
});

describe('linear equations', () => {
  it('are solved by the triangle of a positive definite matrix', () => {
    const random = createRandom(8);
    const rows = Array.from({ length: 30 }, () => Array.from({ length: 12 }, () => random.bell()));
    const matrix = Array.from({ length: 12 }, (_, i) =>
      Array.from({ length: 12 }, (_, j) =>
        rows.reduce((sum, row) => sum + row[i]! * row[j]!, i === j ? 1 : 0),
      ),
    );
    const expected = Float64Array.from({ length: 12 }, () => random.bell());
    const b = matrix.map((row) => dot(row, expected, 12));
    solve(cholesky(matrix), b).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 9));
  });
});
