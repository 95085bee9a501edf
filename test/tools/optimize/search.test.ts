import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fastestFirst, holdsFloor } from '../../../src/tools/optimize/choose.ts';
import type { Int8Arithmetic } from '../../../src/contract/machine.ts';
import { STEP_KINDS, type Steps } from '../../../src/tools/optimize/forecast.ts';
import type { Scheme } from '../../../src/tools/optimize/quantizer-messages.ts';
import { Search, type SearchPort } from '../../../src/tools/optimize/search.ts';
import { needsExactInt8, type Candidate, type Plan } from '../../../src/tools/optimize/candidate-builder.ts';
import { candidateOf, planOf } from './candidates.ts';

const AP = 0.4;

/** A made-up network: the disturbance and the saving of each layer in int8, as shares of agreement and latency. */
interface World {
  readonly errors: readonly number[];
  readonly gains: readonly number[];
  /** share of the disturbance that remains after each correction */
  readonly correction: number;
  /** kinds that the quantizer cannot make */
  readonly broken: ReadonlySet<Plan['kind']>;
  /** number of candidates that there is time for */
  readonly time: number;
  readonly arithmetic: Int8Arithmetic;
  /** factor by which weights that never saturate increase a disturbance */
  readonly coarser: number;
}

/** latency ratios that cannot be distinguished */
const ALIKE = 0.011;

const PLAIN: World = {
  errors: [],
  gains: [],
  correction: 1,
  broken: new Set(),
  time: Infinity,
  arithmetic: 'exact',
  coarser: 1.2,
};
const CALIBRATION = { 'percentile 99.99': 1, 'percentile 99.9': 0.8 } as const;

function measure(world: World, scheme: Scheme): Candidate {
  const { keepFloat, opTypes, biasCorrection, calibration, percentile, target, saturationFree } = scheme;
  const kept = new Set(keepFloat);
  let square = 0;
  let ratio = 1;
  world.errors.forEach((error, i) => {
    if (kept.has(`layer${i}`)) return;
    square += error ** 2;
    ratio -= opTypes === 'all' ? world.gains[i]! : world.gains[i]! / 4;
  });
  const method = CALIBRATION[`${calibration} ${percentile}` as keyof typeof CALIBRATION] ?? 1.5;
  const factor = (biasCorrection ? world.correction : 1) * (saturationFree ? world.coarser : 1);
  const lost = Math.min(1, Math.sqrt(square) * method * factor);
  const untimed = world.arithmetic === 'saturating' && !saturationFree;
  const facts = {
    ...{ ratio, bytes: 300 + 7 * kept.size, agreement: 1 - lost, drop: 1.3 * AP * lost ** 2 },
    untimed,
  };
  const plan: Plan = { id: '', kind: 'static', scheme };
  return candidateOf(plan, target === 'tensorrt' ? { ...facts, ratio: 3 } : facts);
}

async function run(world: World, maxApDrop: number, onStep: SearchPort['onStep'] = () => undefined) {
  const tried: Plan[] = [];
  const port: SearchPort = {
    try: (plan) => {
      tried.push(plan);
      if (world.broken.has(plan.kind)) return Promise.resolve(candidateOf(plan, { failure: 'unsupported' }));
      if (plan.kind === 'static') return Promise.resolve({ ...measure(world, plan.scheme), plan });
      if (plan.kind === 'weights') return Promise.resolve(candidateOf(plan, { bytes: 280, agreement: 0.99 }));
      return Promise.resolve(candidateOf(plan, plan.kind === 'half' ? { ratio: 2 } : {}));
    },
    sensitivity: () =>
      Promise.resolve(
        world.errors.map((error, i) => {
          return { node: `layer${i}`, opType: 'Conv', error, parameters: 10, outputShape: [1] };
        }),
      ),
    hasTime: () => tried.length < world.time,
    onStep,
  };
  const [original, clean] = [planOf('original'), planOf('clean')] as [never, never];
  const { arithmetic } = world;
  const options = { maxApDrop, originalAp: AP, original, clean, arithmetic, hasTrainedRanges: false };
  const result = await new Search(port, options).run();
  return { ...result, tried, fastest: fastestFirst(result.ranked, maxApDrop)[0]! };
}

const disturbance = fc.double({ min: 0.001, max: 0.3, noNaN: true });
const gain = fc.double({ min: 0.001, max: 0.01, noNaN: true });
const layers = fc.array(fc.tuple(disturbance, gain), { minLength: 1, maxLength: 60 });

function isTarget(plan: Plan): boolean {
  return plan.kind === 'static' && plan.scheme.target === 'tensorrt';
}

describe('Search', () => {
  it('keeps everything in int8 if that is within the floor', async () => {
    const errors = Array.from({ length: 20 }, () => 0.005);
    const { fastest } = await run({ ...PLAIN, errors, gains: errors.map(() => 0.02) }, 0.01);
    expect(fastest.candidate.plan.id).toBe('int8-all-p99.9');
    expect(fastest.candidate.latency!.ratio).toBeCloseTo(0.6, 6);
  });

  it('keeps the few ruinous layers in float, and chooses the calibration that disturbs least', async () => {
    const errors = Array.from({ length: 40 }, (_, i) => (i === 7 || i === 21 ? 0.5 : 0.01));
    const { fastest, layers: reported } = await run(
      { ...PLAIN, errors, gains: errors.map(() => 0.01) },
      0.01,
    );
    expect(fastest.candidate.plan).toMatchObject({
      scheme: {
        calibration: 'percentile',
        percentile: 99.9,
        keepFloat: expect.arrayContaining(['layer7', 'layer21']) as string[],
      },
    });
    expect(fastest.candidate.latency!.ratio).toBeCloseTo(0.62, 6);
    expect(reported).toHaveLength(40);
  });

  it('uses a correction to keep fewer layers in float', async () => {
    const errors = Array.from({ length: 40 }, (_, i) => 0.004 * i);
    const world = { ...PLAIN, errors, gains: errors.map(() => 0.01) };
    const plain = await run(world, 0.005);
    const corrected = await run({ ...world, correction: 0.4 }, 0.005);
    expect(corrected.fastest.candidate.latency!.ratio).toBeLessThan(
      plain.fastest.candidate.latency!.ratio - 0.02,
    );
  });

  it('moves layers back to int8 that bisection kept in float needlessly', async () => {
    // the third most sensitive layer is slow in float, and the floor has room for its disturbance
    const errors = [0.5, 0.4, 0.09, ...Array.from({ length: 17 }, () => 0.02)];
    const gains = errors.map((_, i) => (i === 2 ? 0.2 : 0.01));
    const { fastest } = await run({ ...PLAIN, errors, gains }, 0.006);
    expect(fastest.candidate.latency!.ratio).toBeLessThan(0.7);
  });

  it('finds a mix as good as the best prefix of the sensitivity order for any network', async () => {
    await fc.assert(
      fc.asyncProperty(layers, fc.constantFrom(0.005, 0.01, 0.02), async (rows, floor) => {
        const world = { ...PLAIN, errors: rows.map(([error]) => error), gains: rows.map(([, gain]) => gain) };
        const { fastest, ranked } = await run(world, floor);
        expect(holdsFloor(fastest, floor)).toBe(true);
        const order = rows.map((_, i) => i).sort((a, b) => rows[b]![0] - rows[a]![0]);
        const best = Math.min(
          1,
          ...order.flatMap((_, kept) => {
            const keepFloat = order.slice(0, kept).map((i) => `layer${i}`);
            const scheme = {
              calibration: 'percentile',
              percentile: 99.9,
              keepFloat,
              opTypes: 'all',
              biasCorrection: false,
            };
            const { accuracy, latency } = measure(world, scheme as unknown as Scheme);
            // well within the floor, so that the margin of an estimate does not matter
            return accuracy!.drop < 0.5 * floor ? [latency!.ratio] : [];
          }),
        );
        expect(fastest.candidate.latency!.ratio).toBeLessThanOrEqual(best + ALIKE);
        expect(ranked.length).toBeLessThan(80);
      }),
      { numRuns: 50 },
    );
  });

  it('repeats the mix with weights that saturate on no CPU, with more in float if they lose too much', async () => {
    const errors = Array.from({ length: 40 }, (_, i) => 0.002 * i);
    const world = { ...PLAIN, errors, gains: errors.map(() => 0.01) };
    for (const coarser of [1, 1.6]) {
      const { ranked } = await run({ ...world, coarser }, 0.005);
      const holding = ranked.filter(
        (entry) =>
          entry.candidate.plan.kind === 'static' &&
          holdsFloor(entry, 0.005) &&
          !isTarget(entry.candidate.plan),
      );
      const fastestOf = (portable: boolean) =>
        Math.min(
          ...holding
            .filter(({ candidate: { plan } }) => needsExactInt8(plan) !== portable)
            .map(({ candidate }) => candidate.latency!.ratio),
        );
      expect(fastestOf(true)).toBeGreaterThanOrEqual(fastestOf(false));
      expect(fastestOf(true)).toBeLessThan(fastestOf(false) + (coarser === 1 ? 0.011 : 0.25));
    }
  });

  it('on a saturating CPU searches weights that do not saturate, then repeats the best mix with 8 bits', async () => {
    const errors = Array.from({ length: 30 }, (_, i) => 0.005 * i);
    const { tried, ranked, fastest } = await run(
      { ...PLAIN, errors, gains: errors.map(() => 0.01), arithmetic: 'saturating' },
      0.01,
    );
    expect(tried.length).toBeGreaterThan(15);
    const schemes = (isExact: boolean) =>
      tried.flatMap((plan) =>
        // TensorRT uses different arithmetic
        plan.kind === 'static' && !isTarget(plan) && needsExactInt8(plan) === isExact ? [plan.scheme] : [],
      );
    const [exact, ...others] = schemes(true);
    expect(others).toEqual([]);
    expect(schemes(false)).toContainEqual({ ...exact, saturationFree: true });
    // which kernels are fastest elsewhere is not known here
    expect(needsExactInt8(fastest.candidate.plan)).toBe(false);
    const carried = ranked.find(({ candidate: { plan } }) => needsExactInt8(plan) && !isTarget(plan))!;
    expect(holdsFloor(carried, 0.01)).toBe(true);
    expect(carried.candidate.latency).toBeNull();
  });

  it('names what it had no time to carry over to the other kind of CPU', async () => {
    const world = { ...PLAIN, errors: [0.01], gains: [0.01], time: 11 };
    const exact = await run({ ...world, arithmetic: 'exact' }, 0.01);
    expect(exact.notTried).toContain('int8 that computes the same on every CPU');
    const saturating = await run({ ...world, arithmetic: 'saturating' }, 0.01);
    expect(saturating.notTried).toContain('int8 for CPUs with exact 8-bit sums');
  });

  it('predicts about the right number of steps once the layers are known', async () => {
    const count = (steps: Steps) => STEP_KINDS.reduce((sum, kind) => sum + (steps[kind] ?? 0), 0);
    const many = fc.array(fc.tuple(disturbance, gain), { minLength: 30, maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(many, fc.constantFrom(0.005, 0.01, 0.02), async (rows, floor) => {
        const world = { ...PLAIN, errors: rows.map(([error]) => error), gains: rows.map(([, gain]) => gain) };
        const reported: { name: string; left: number }[] = [];
        await run(world, floor, (_, name, left) => reported.push({ name, left: count(left) }));
        const known = reported.findIndex(({ name }) => name === 'sensitivity by layer');
        const wrong = reported.map(({ left }, i) => Math.abs(left - (reported.length - 1 - i))).slice(known);
        expect(wrong.reduce((sum, value) => sum + value, 0) / wrong.length).toBeLessThan(6);
        expect(reported.at(-1)!.left).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('tries nothing twice, and gives every candidate a unique name', async () => {
    const errors = Array.from({ length: 30 }, (_, i) => 0.005 * i);
    const { tried, ranked } = await run({ ...PLAIN, errors, gains: errors.map(() => 0.01) }, 0.01);
    const ids = ranked.map(({ candidate }) => candidate.plan.id);
    expect(new Set(ids).size).toBe(ids.length);
    const plans = tried.map((plan) => JSON.stringify({ ...plan, id: '' }));
    expect(new Set(plans).size).toBe(plans.length);
  });

  it('stops when the time is over, and reports what was skipped', async () => {
    const errors = Array.from({ length: 30 }, (_, i) => 0.005 * i);
    const world = { ...PLAIN, errors, gains: errors.map(() => 0.01) };
    for (const time of [0, 3, 7, 12]) {
      const { ranked, notTried } = await run({ ...world, time }, 0.01);
      expect(ranked.map(({ candidate }) => candidate.plan.id).slice(0, 2)).toEqual(['original', 'clean']);
      expect(ranked.length).toBe(Math.max(2, time));
      expect(notTried.length).toBeGreaterThan(0);
    }
  });

  it('still returns the float graphs if the quantizer fails, or sensitivity cannot be measured', async () => {
    const broken = new Set(['static', 'weights', 'half', 'dynamic', 'polish'] as const);
    const none = await run({ ...PLAIN, broken }, 0.01);
    expect(none.fastest.candidate.plan.kind).toMatch(/original|clean/);
    expect(none.ranked.filter(({ candidate }) => candidate.failure !== null).length).toBeGreaterThan(5);
    const unknown = await run({ ...PLAIN, errors: [], gains: [] }, 0.01);
    expect(unknown.ranked.length).toBeGreaterThan(5);
  });
});
