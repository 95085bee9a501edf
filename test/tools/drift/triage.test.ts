import { expect, it } from 'vitest';
import { TRIAGE_KINDS } from '../../../src/core/drift/triage/groups.ts';
import { OBSERVED, PLACE, type ObservedName } from '../../../src/core/drift/observe/observed.ts';
import { createRandom, mixSeeds } from '../../../src/core/random.ts';
import { CHANGES, type ChangeName, type StreetLooks } from '../../../src/tools/drift/triage/looks.ts';
import { isRight, runTriageTrial } from '../../../src/tools/drift/triage/trial.ts';

type Change = Partial<Record<ObservedName, number>>;

/** Made up, in standard deviations of a clear day. */
const SHIFTS: Readonly<Record<ChangeName, Change>> = {
  dirt: { contrast: -3, sharpness: -3, entropy: 2 },
  filth: { contrast: -4, sharpness: -4, entropy: 4 },
  blur: { sharpness: -6, noise: -5 },
  tilt: { slope_x: 4, slope_y: 5, box_y: 3 },
  dark: { brightness: -6, contrast: -4, black_share: 4 },
  noise: { noise: 6, sharpness: 3 },
  fog: { contrast: -5, saturation: -4, sharpness: -4 },
  haze: { contrast: -3, saturation: -3, sharpness: -3 },
  rain: { saturation: -3, contrast: -3, noise: 2 },
  downpour: { saturation: -5, contrast: -4, noise: 4 },
  autumn: { brightness: -4, saturation: -3, contrast: -3 },
};

const MEANS: Change = {
  ...{ brightness: 0.5, contrast: 0.2, saturation: 0.3, sharpness: 20, noise: 2, entropy: 4 },
  ...{ black_share: 0.05, blown_share: 0.05, motion: 0.05, boxes: 8, candidates: 30, confidence: 0.7 },
  ...{ box_size: 0.2, box_y: 0.5, slope_x: 0, slope_y: -0.4 },
};

function rowsOf(change: Change, seed: number): Float64Array[] {
  const random = createRandom(seed);
  return Array.from({ length: 30 }, () => {
    const row = new Float64Array(OBSERVED.length).fill(NaN);
    for (const [name, mean] of Object.entries(MEANS) as [ObservedName, number][])
      row[PLACE[name]] = mean + 0.1 * Math.max(0.1, Math.abs(mean)) * (random.bell() + (change[name] ?? 0));
    return row;
  });
}

const LOOKS: StreetLooks[] = [1, 2].map((street) => ({
  clear: rowsOf({}, street),
  changed: Object.fromEntries(
    (Object.keys(CHANGES) as ChangeName[]).map((name, at) => [
      name,
      rowsOf(SHIFTS[name], mixSeeds(street, at)),
    ]),
  ) as unknown as StreetLooks['changed'],
}));

it('tells nine of ten simulated incidents, and says little of fleets to which nothing happens', () => {
  const trials = Array.from({ length: 20 }, (_, at) =>
    runTriageTrial(LOOKS, [TRIAGE_KINDS[at % TRIAGE_KINDS.length]!], createRandom(mixSeeds(5, at))),
  );
  const right = trials.filter((trial) => isRight(trial, trial.incidents[0]!));
  expect(right.length).toBeGreaterThanOrEqual(18);
  const quiet = Array.from({ length: 10 }, (_, at) =>
    runTriageTrial(LOOKS, [], createRandom(mixSeeds(6, at))),
  );
  expect(quiet.reduce((sum, { answers }) => sum + answers.length, 0)).toBeLessThanOrEqual(2);
});

it('is the same for the same seed', () => {
  const run = (): unknown => runTriageTrial(LOOKS, ['site'], createRandom(9)).answers;
  expect(run()).toEqual(run());
});
