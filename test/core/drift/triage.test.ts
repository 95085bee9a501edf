import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CameraDrift } from '../../../src/core/drift/camera-drift.ts';
import { FeatureHistogram } from '../../../src/core/drift/feature-counts.ts';
import { FEATURES } from '../../../src/core/drift/features.ts';
import { shiftOf, type CameraShift } from '../../../src/core/drift/triage/camera-shift.ts';
import { normalDeviate } from '../../../src/core/drift/measures/normal-deviate.ts';
import type { TriageKind } from '../../../src/core/drift/triage/groups.ts';
import { momentsOf } from '../../../src/core/drift/triage/moments.ts';
import { triage, type TriagedCamera } from '../../../src/core/drift/triage/triage.ts';
import { TRIAGE_FEATURES, TRIAGE_PLACE } from '../../../src/core/drift/triage/triage-features.ts';
import { usualOf } from '../../../src/core/drift/triage/usual.ts';
import type { WindowVerdict } from '../../../src/core/drift/window-verdict.ts';
import { createRandom } from '../../../src/core/random.ts';
import { NO_STATES } from '../../../src/core/drift/drift-rollup.ts';

type Shifts = Readonly<Record<string, number>>;

const FOG: Shifts = { contrast: -4, saturation: -5, sharpness: -4, confidence: -2 };
const BLUR: Shifts = { sharpness: -6, noise: -6, confidence: -3 };
const LITTLE: Shifts = { sharpness: -4, noise: -4 };
const POOR: Shifts = { confidence: -5, boxes: -4, candidates: -4 };

/** Two sites, three robots each, two cameras each; every second robot has another bundle. */
function fleet(
  of: (place: Pick<TriagedCamera, 'site' | 'robot' | 'camera' | 'digest'>) => Shifts,
): TriagedCamera[] {
  const random = createRandom(3);
  return ['hall', 'yard'].flatMap((site) =>
    ['a', 'b', 'c'].flatMap((name, at) =>
      ['front', 'rear'].map((camera) => {
        const place = { site, robot: `${site}-${name}`, camera, digest: at === 1 ? 'new' : 'old' };
        const now = Float64Array.from(TRIAGE_FEATURES, () => 0.5 * random.bell());
        for (const [feature, shift] of Object.entries(of(place))) now[TRIAGE_PLACE.get(feature)!]! += shift;
        return { ...place, shift: { now, lately: now, alarm: null, hasUsual: true }, isNewBundle: false };
      }),
    ),
  );
}

const told = (cameras: readonly TriagedCamera[]): [TriageKind, string][] =>
  triage(cameras).map(({ kind, place: { site, robot, camera, digest } }) => [
    kind,
    [site, robot, camera, kind === 'model' ? digest : ''].filter((one) => one !== '').join(' '),
  ]);

describe('triage', () => {
  it.each<[string, Parameters<typeof fleet>[0], [TriageKind, string][]]>([
    ['nothing', () => ({}), []],
    [
      'one lens',
      ({ robot, camera }) => (robot === 'yard-a' && camera === 'front' ? BLUR : {}),
      [['camera', 'yard yard-a front']],
    ],
    ['one robot', ({ robot }) => (robot === 'yard-a' ? BLUR : {}), [['robot', 'yard yard-a']]],
    ['the weather of a site', ({ site }) => (site === 'yard' ? FOG : {}), [['site', 'yard']]],
    ['a season', () => FOG, [['season', '']]],
    ['a bad model', ({ digest }) => (digest === 'new' ? POOR : {}), [['model', 'new']]],
  ])('tells %s', (_name, of, expected) => {
    expect(told(fleet(of))).toEqual(expected);
  });

  it('tells a lens under the weather of its site, and a model at the same time', () => {
    const cameras = fleet(({ site, robot, camera, digest }) => ({
      ...(site === 'yard' ? FOG : {}),
      ...(robot === 'hall-a' && camera === 'rear' ? BLUR : {}),
      ...(digest === 'new' && site === 'hall' ? POOR : {}),
    }));
    expect(new Set(told(cameras).map(([kind, name]) => `${kind} ${name}`))).toEqual(
      new Set(['site yard', 'camera hall hall-a rear', 'robot hall hall-b']),
    );
  });

  it('leaves robots out that are off, and says so by its numbers', () => {
    const cameras = fleet(({ site }) => (site === 'yard' ? FOG : {})).map((camera) =>
      camera.robot === 'yard-c' ? { ...camera, shift: null } : camera,
    );
    const [answer] = triage(cameras);
    expect(answer).toMatchObject({ kind: 'site', members: [6, 7, 8, 9] });
    expect(answer!.explained).toBeGreaterThan(0.5);
    expect(answer!.certainty).toBeGreaterThan(0.9);
    expect(answer!.features[0]?.sigmas).toBeLessThan(-3);
  });

  it('names a single camera by more than an alarm, above all without earlier weeks', () => {
    const alarmed = (alarm: number, hasUsual: boolean, shifts: Shifts = {}): TriagedCamera[] =>
      fleet(({ robot, camera }) => (robot === 'hall-b' && camera === 'rear' ? shifts : {})).map(
        (camera, at) => (at === 3 ? { ...camera, shift: { ...camera.shift!, alarm, hasUsual } } : camera),
      );
    const named = [['camera', 'hall hall-b rear']];
    expect(told(alarmed(10, true, LITTLE))).toEqual(named);
    expect(told(alarmed(10, false, LITTLE))).toEqual([]);
    expect(told(alarmed(10, false, BLUR))).toEqual(named);
    expect(told(alarmed(10, false))).toEqual([]);
    expect(told(alarmed(10, true))).toEqual([]);
  });

  it('finds the weather of a site beside cameras that are a little off', () => {
    const cameras = fleet(({ site }) => (site === 'yard' ? FOG : {})).map((camera, at) =>
      at < 4 ? { ...camera, shift: { ...camera.shift!, alarm: 10, hasUsual: false } } : camera,
    );
    expect(told(cameras)).toEqual([['site', 'yard']]);
  });

  it('says how sudden it is', () => {
    const old = fleet(({ site }) => (site === 'yard' ? FOG : {}));
    const gradual = old.map((camera) => ({
      ...camera,
      shift: { ...camera.shift!, lately: camera.shift!.now.map((value) => value / 10) },
    }));
    expect(triage(old)[0]?.suddenness).toBeCloseTo(1);
    expect(triage(gradual)[0]?.suddenness).toBeCloseTo(0.1);
  });

  it('is the same in any order, and never throws or ends otherwise', () => {
    const shift = fc.option(
      fc
        .array(fc.oneof(fc.constant(NaN), fc.double({ min: -6, max: 6, noNaN: true })), {
          minLength: TRIAGE_FEATURES.length,
          maxLength: TRIAGE_FEATURES.length,
        })
        .map((values): CameraShift => ({
          now: Float64Array.from(values),
          lately: null,
          alarm: values[0]! > 0 ? 1 + values[0]! : null,
          hasUsual: values[1]! > 0,
        })),
    );
    const camera = fc.record({
      site: fc.constantFrom('a', 'b'),
      robot: fc.constantFrom('1', '2'),
      camera: fc.constantFrom('x', 'y'),
      digest: fc.constantFrom('', 'd', 'e'),
      isNewBundle: fc.boolean(),
      shift,
    });
    fc.assert(
      fc.property(fc.array(camera, { maxLength: 8 }), (cameras) => {
        for (const { affected, members, score, explained, certainty } of triage(cameras)) {
          expect(members).toEqual(expect.arrayContaining([...affected]));
          expect(affected.length).toBeGreaterThan(0);
          expect([score, explained, certainty].every(Number.isFinite)).toBe(true);
          expect(explained).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** A window with a brightness around a mean. */
function windowOf(mean: number, seed: number): CameraDrift {
  const random = createRandom(seed);
  const histogram = new FeatureHistogram('brightness');
  for (let frame = 0; frame < 200; frame += 1) histogram.note(mean + 0.05 * random.bell());
  const none = { inGraph: 0, unmeasured: 0, late: 0, duplicate: 0, classes: {}, agreement: null };
  return { camera: 'front', frames: 200, features: { brightness: histogram.read()! }, ...none };
}

const VERDICT: WindowVerdict = {
  at: '2026-01-01T00:00:00.000Z',
  state: 'drifted',
  evidence: 2,
  since: null,
  context: 'day',
  features: [{ feature: 'slope_y', share: 1, now: 0.2, reference: -0.4, sigmas: 9, wasserstein: 1, psi: 1 }],
  cause: null,
};

// tails of Student's t with two degrees of freedom in closed form, and NormalDist().inv_cdf of Python
it.each([
  [0, 0],
  [1, 0.8018],
  [-5, -2.0776],
  [20, 3.0245],
])('Student %d with two degrees of freedom is as rare as %d', (student, normal) => {
  expect(Math.abs(normalDeviate(student, 2) - normal)).toBeLessThanOrEqual(0.04 * Math.abs(normal));
});

describe('the shift of a camera', () => {
  const place = TRIAGE_PLACE.get('brightness')!;
  const days = [1, 2, 3, 8, 9, 10, 11, 12, 13, 14].map((daysAgo) => ({
    daysAgo,
    drift: windowOf(daysAgo < 7 ? 0.45 : 0.4, daysAgo),
  }));
  const usual = usualOf(days)!;
  const period = (mean: number) => ({ drift: windowOf(mean, 99), states: NO_STATES });

  it('is against earlier weeks, and beside them against the last days', () => {
    const few = usualOf(days.slice(3, 5))!;
    expect(shiftOf(period(0.47), few)!.now[place]).toBeLessThan(shiftOf(period(0.47), usual)!.now[place]!);
    const { now, lately } = shiftOf(period(0.47), usual)!;
    expect(now[place]).toBeGreaterThan(2);
    expect(lately![place]!).toBeGreaterThan(0);
    expect(lately![place]!).toBeLessThan(now[place]! / 2);
    expect(Math.abs(shiftOf(period(0.4), usual)!.now[place]!)).toBeLessThan(0.5);
    expect(now[TRIAGE_PLACE.get('contrast')!]).toBeNaN();
  });

  it('is that of a verdict for what earlier weeks do not have; 0 if all of them say that all is well', () => {
    const drifted = {
      drift: { ...windowOf(0.5, 99), verdict: VERDICT },
      states: { ...NO_STATES, drifted: 1 },
    };
    const { now } = shiftOf(drifted, usual)!;
    expect(now[TRIAGE_PLACE.get('slope_y')!]).toBe(6);
    const named = { ...VERDICT.features[0]!, feature: 'brightness', sigmas: -9 };
    const against = {
      ...drifted,
      drift: { ...drifted.drift, verdict: { ...VERDICT, features: [named] } },
    };
    expect(shiftOf(against, usual)!.now[place]).toBe(now[place]);
    expect(shiftOf(against, null)!.now[place]).toBe(-6);
    const quiet = { ...period(0.9), states: { ...NO_STATES, ok: 3 } };
    expect(shiftOf(quiet, usual)!.now.every((value) => value === 0)).toBe(true);
  });

  it('is not known without anything to compare with', () => {
    expect(shiftOf(period(0.5), null)).toBeNull();
    expect(usualOf([])).toBeNull();
  });

  it('comes from moments that bins have', () => {
    const { mean, variance, count } = momentsOf('brightness', windowOf(0.5, 1).features['brightness']!)!;
    expect(count).toBe(200);
    expect(mean).toBeCloseTo(0.5, 1);
    expect(Math.sqrt(variance)).toBeCloseTo(0.05, 2);
    expect(momentsOf('brightness', { sum: 0, first: 0, counts: [0] })).toBeNull();
    for (const [name, { edges }] of Object.entries(FEATURES))
      expect(
        Number.isFinite(momentsOf(name as 'boxes', { sum: 0, first: edges.length, counts: [3] })!.variance),
      ).toBe(true);
  });
});
