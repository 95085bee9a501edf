import { OBSERVED, PLACE, type ObservedName } from '../observe/observed.ts';

/**
 * Added before the logarithm is taken. A change of light or blur multiplies these features, so it shifts their
 * logarithms by about as much in every scene.
 */
const LOG_OFFSETS: Readonly<Partial<Record<ObservedName, number>>> = {
  brightness: 0.02,
  contrast: 0.01,
  saturation: 0.02,
  black_share: 0.002,
  blown_share: 0.002,
  motion: 0.001,
  boxes: 1,
  candidates: 1,
  box_size: 0.01,
  luma_5: 4,
  luma_50: 4,
  luma_95: 4,
  luma_top: 4,
  luma_low: 4,
  steps: 0.5,
  relief_10: 0.1,
  relief_25: 0.1,
  rough_10: 0.25,
  rough_25: 0.25,
  rough_75: 0.25,
  streaks: 0.02,
  pattern: 0.02,
};

/** A class has no scale, `specks` comes late; the others follow from the roughness, or vary with the codec. */
const LEFT_OUT: ReadonlySet<ObservedName> = new Set([
  'specks',
  'top_class',
  'sharpness',
  'noise',
  'blockiness',
]);

/** Features that contexts are compared in, in this order. */
export const SPACE: readonly ObservedName[] = OBSERVED.filter((name) => !LEFT_OUT.has(name));

const AXES = SPACE.map((name) => ({ at: PLACE[name], offset: LOG_OFFSETS[name] ?? null }));

/** @param observation values in the order of `OBSERVED` @param out in the order of `SPACE`, NaN for what is absent */
export function scaleInto(observation: ArrayLike<number>, out: Float64Array): void {
  for (let i = 0; i < AXES.length; i++) {
    const { at, offset } = AXES[i]!;
    out[i] = offset === null ? observation[at]! : Math.log(observation[at]! + offset);
  }
}
