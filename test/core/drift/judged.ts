import { PATCH_COUNT } from '../../../src/core/drift/frame-block.ts';
import {
  OBSERVATION_FLOATS,
  OBSERVED,
  PLACE,
  type ObservedName,
} from '../../../src/core/drift/observe/observed.ts';
import { makeFeatures } from '../../../src/core/drift/reference/make-features.ts';
import { contextOf } from '../../../src/core/drift/reference/observations.ts';
import type { JudgedReference } from '../../../src/core/drift/verdict/camera-judge.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';

/** Mean and standard deviation of the features of a made-up camera by day. */
const BY_DAY: Partial<Record<ObservedName, readonly [mean: number, deviation: number]>> = {
  brightness: [0.5, 0.02],
  contrast: [0.2, 0.01],
  saturation: [0.2, 0.02],
  sharpness: [20, 1.5],
  noise: [1.5, 0.1],
  entropy: [4, 0.1],
  black_share: [0.01, 0.002],
  blown_share: [0.01, 0.002],
  motion: [0.05, 0.01],
  boxes: [8, 2],
  slope_x: [0, 0.1],
  slope_y: [-0.4, 0.1],
  luma_5: [60, 4],
  luma_50: [130, 6],
  luma_95: [210, 5],
  luma_top: [180, 6],
  luma_low: [100, 4],
  steps: [12, 1],
  relief_10: [0.6, 0.05],
  relief_25: [1.8, 0.15],
  rough_10: [0.9, 0.03],
  rough_25: [1.4, 0.05],
  rough_75: [4, 0.2],
  roll: [0.5, 0.01],
  streaks: [0.3, 0.015],
};

/** What a context or a drift changes, in the features' units; `dirt` is of some patches, in gray levels. */
export type Change = Partial<Record<ObservedName | 'dirt', number>>;

export const NIGHT: Change = {
  brightness: -0.3,
  contrast: -0.1,
  black_share: 0.1,
  luma_top: -100,
  luma_50: -60,
};

/** Every so many patches are dirty. */
const DIRTY = 12;
const SPREAD = 6;

/** One observation of the made-up camera. */
export function observe(random: Random, change: Change = {}): Float64Array {
  const values = new Float64Array(OBSERVATION_FLOATS).fill(NaN);
  for (const [name, [mean, deviation]] of Object.entries(BY_DAY) as [
    ObservedName,
    readonly [number, number],
  ][])
    values[PLACE[name]] = mean + deviation * random.bell() + (change[name] ?? 0);
  for (let i = 0; i < PATCH_COUNT; i += 1)
    values[OBSERVED.length + i] = random.range(-SPREAD, SPREAD) + (i % DIRTY === 0 ? (change.dirt ?? 0) : 0);
  return values;
}

/** Its reference: day and night. */
export function referenceOf(count = 300): JudgedReference {
  const random = createRandom(5);
  const rows = (change?: Change): Float64Array[] =>
    Array.from({ length: count }, () => observe(random, change));
  const contexts = [
    { name: 'day', ...contextOf(rows()) },
    { name: 'night', ...contextOf(rows(NIGHT)) },
  ];
  return { contexts, features: makeFeatures(contexts, createRandom(1)) };
}
