import { describe, expect, it } from 'vitest';
import { CameraAlarm, type AlarmReference } from '../../../src/core/drift/alarm/camera-alarm.ts';
import { placeFilters } from '../../../src/core/drift/alarm/place-filter.ts';
import { OBSERVATION_FLOATS, PLACE } from '../../../src/core/drift/observe/observed.ts';
import { alarmReference } from '../../../src/core/drift/reference/alarm-reference.ts';
import { makeFeatures } from '../../../src/core/drift/reference/make-features.ts';
import { contextOf, rowsOf } from '../../../src/core/drift/reference/observations.ts';
import { cholesky, dot } from '../../../src/core/drift/space/cholesky.ts';
import { makeSpaces } from '../../../src/core/drift/space/context-space.ts';
import { PLACE_VARIATION } from '../../../src/core/drift/space/place-variation.ts';
import { scaleInto, SPACE } from '../../../src/core/drift/space/scale.ts';
import { DIRECTIONS, SIGNATURES, type DirectionName } from '../../../src/core/drift/space/signatures.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import { observe } from './judged.ts';

const THRESHOLD = 604_800;
/** What the made-up camera measures. */
const MEASURED = SPACE.filter((name) => Number.isFinite(observe(createRandom(1))[PLACE[name]]));

const scaled = (row: Float64Array): Float64Array => {
  const out = new Float64Array(SPACE.length);
  scaleInto(row, out);
  return out;
};
const [ZERO, ONE] = [0, 1].map((value) => scaled(new Float64Array(OBSERVATION_FLOATS).fill(value)));

/** The observation that scales to these values: logarithms have an offset, which shows where a feature is 0. */
function unscaled(values: Float64Array): Float64Array {
  const row = new Float64Array(OBSERVATION_FLOATS).fill(NaN);
  for (const name of MEASURED) {
    const i = SPACE.indexOf(name);
    const isLinear = ZERO![i] === 0 && ONE![i] === 1;
    row[PLACE[name]] = isLinear ? values[i]! : Math.exp(values[i]!) - Math.exp(ZERO![i]!);
  }
  return row;
}

const LOWER = cholesky(
  SPACE.map((one, i) => SPACE.map((other, j) => PLACE_VARIATION[i > j ? one : other]![Math.min(i, j)]!)),
);
const USUAL = scaled(observe(createRandom(1)));

/** A random deviation by what places of a street vary by. */
function deviation(random: Random): Float64Array {
  const bells = Float64Array.from(SPACE, () => random.bell());
  return Float64Array.from(SPACE, (_, i) => dot(LOWER[i]!, bells, i + 1));
}

/** What a slow camera observes of a place that it is at, changed by so much of what is known. */
function place(random: Random, seconds: number, change?: DirectionName, strength = 0): Float64Array[] {
  const here = deviation(random);
  const shift = SPACE.map((name) => (change === undefined ? 0 : strength * (SIGNATURES[change][name] ?? 0)));
  return Array.from({ length: seconds }, () => {
    const now = deviation(random);
    return unscaled(USUAL.map((value, i) => value + here[i]! + 0.3 * now[i]! + shift[i]!));
  });
}

function referenceOf(places: number): AlarmReference {
  const random = createRandom(3);
  const rows = Array.from({ length: places }, () => place(random, 50)).flat();
  const contexts = [{ name: 'day', ...contextOf(rows) }];
  return alarmReference(contexts, makeFeatures(contexts, createRandom(1)));
}

/** A reference as it was before it knew how places differ. */
const alone = (reference: AlarmReference): AlarmReference => ({
  ...reference,
  contexts: reference.contexts.map((context) => ({ ...context, places: [] })),
});

function isFound(reference: AlarmReference, rows: readonly Float64Array[]): boolean {
  const alarm = new CameraAlarm(reference, THRESHOLD);
  return rows.some((row) => {
    alarm.update(row);
    return alarm.evidence >= THRESHOLD;
  });
}

describe('a slow camera, whose reference has few places', () => {
  const reference = referenceOf(24);
  const found = (of: AlarmReference, change: DirectionName, strength: number): number => {
    const random = createRandom(21);
    const trials = Array.from({ length: 12 }, () => place(random, 60, change, strength));
    return trials.filter((rows) => isFound(of, rows)).length;
  };

  it('is told blur from another place by all features together', () => {
    expect(found(reference, 'blur', 0.6)).toBeGreaterThanOrEqual(10);
    expect(found(alone(reference), 'blur', 0.6)).toBeLessThanOrEqual(5);
  });

  it('takes no other place for drift', () => {
    const random = createRandom(22);
    const places = Array.from({ length: 120 }, () => place(random, 60));
    expect(places.filter((rows) => isFound(reference, rows))).toHaveLength(0);
  });
});

describe('place filters', () => {
  it('were learned for every feature, and what was learned is a covariance', () => {
    expect(Object.keys(PLACE_VARIATION)).toEqual([...SPACE]);
    SPACE.forEach((name, i) => expect(PLACE_VARIATION[name]).toHaveLength(i + 1));
    for (const row of LOWER) expect(row.every(Number.isFinite)).toBe(true);
  });

  it('tell no dirt, which is at places of the image, and no glare, which was never measured', () => {
    const rows = place(createRandom(3), 200);
    const filters = placeFilters(makeSpaces([rows])[0]!, rows);
    const without = DIRECTIONS.filter((_, i) => filters[i] === null);
    expect(without).toEqual(['glare', 'dirt']);
  });

  it('are more certain with more places', () => {
    const degreesOf = (places: number): number => {
      const random = createRandom(3);
      const rows = Array.from({ length: places }, () => place(random, 50)).flat();
      return placeFilters(makeSpaces([rows])[0]!, rows)[0]!.spread.degrees;
    };
    expect(degreesOf(48)).toBeGreaterThan(degreesOf(12));
  });

  it('need two places', () => {
    const { columns } = contextOf(place(createRandom(3), 99));
    const rows = rowsOf(columns);
    expect(placeFilters(makeSpaces([rows])[0]!, rows).every((one) => one === null)).toBe(true);
  });
});
