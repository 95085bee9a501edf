import type { AlarmedName } from '../alarm/alarmed.ts';
import type { ObservedName } from '../observe/observed.ts';
import { SPACE } from '../space/scale.ts';
import { SIGNATURES } from '../space/signatures.ts';
import { CAUSE_WEIGHTS, type CauseWeights } from './cause-weights.ts';
import type { Shifts } from './effects.ts';

/** Likely causes, with the words for a person. */
export const CAUSES = {
  sensor_fault: 'sensor fault: the image is constant or frozen',
  dark: 'darker than the reference',
  glare: 'glare: overexposed',
  fog: 'fog or haze',
  rain: 'rain',
  blur: 'out of focus or smeared',
  noise: 'image noise',
  dirt: 'dirt on the lens: the same places differ again and again',
  camera_moved: 'the camera was moved or turned',
  scene: 'another mix of objects or another kind of place',
  unknown: 'a change that no rule knows',
} as const;

export type CauseName = keyof typeof CAUSES;

export interface Cause {
  readonly cause: CauseName;
  /** the features that it was told by, with their numbers */
  readonly evidence: readonly string[];
}

/** An image below these has no content, or does not change. */
const MIN_CONTRAST = 0.005;
const MIN_MOTION = 1e-5;
/** Share of overexposed pixels, and deviations of it and of the brightness, from which it is glare. */
const MIN_BLOWN = 0.03;
const MIN_BLOWN_SIGMAS = 3;
const MIN_BRIGHTER_SIGMAS = 1;
/** Deviations of the roughness of smooth places from which it may be noise. */
const MIN_ROUGHER = 1.5;
/** Probability below which no cause is named. */
const MIN_PROBABILITY = 0.3;
/** A feature that shifted by less says nothing. */
const MIN_SIGMAS = 1;
const MAX_EVIDENCE = 4;

/**
 * Names the likely cause of shifts from the reference.
 * @param sigmas mean deviations from the context, in the order of `SPACE`
 * @param leading the feature with the largest share of the evidence
 */
export function causeOf(shifts: Shifts, sigmas: Float64Array, leading: AlarmedName | undefined): Cause {
  if (isDead(shifts)) return told('sensor_fault', shifts, ['contrast', 'motion']);
  if (isGlare(shifts)) return told('glare', shifts, ['blown_share', 'brightness']);
  if (leading !== undefined && isOfContent(leading) && !isOfImage(sigmas))
    return told('scene', shifts, [leading]);
  if (leading === 'specks' && !isOfImage(sigmas)) return told('dirt', shifts, ['specks']);
  if (isNoise(sigmas)) return told('noise', shifts, ROUGHNESS);
  const { cause, probability } = likeliest(sigmas);
  const part = (name: ObservedName): number => contribution(CAUSE_WEIGHTS[cause], sigmas, name);
  const byWeight = SPACE.filter((name) => part(name) > 0).sort((a, b) => part(b) - part(a));
  return told(probability < MIN_PROBABILITY ? 'unknown' : cause, shifts, byWeight);
}

const CONTENT = ['boxes', 'candidates', 'confidence', 'box_size', 'box_y', 'top_class'] as const;
/** Deviations of a feature of the image from which it is not the scene alone that changed. */
const STRONG_SIGMAS = 3;

const isOfContent = (name: AlarmedName): name is (typeof CONTENT)[number] =>
  CONTENT.some((content) => content === name);

/** Boxes follow from the image as well as from the scene, so an image that changed much explains them. */
const isOfImage = (sigmas: Float64Array): boolean =>
  SPACE.some((name, i) => !isOfContent(name) && Math.abs(sigmas[i]!) >= STRONG_SIGMAS);

type Known = keyof typeof CAUSE_WEIGHTS;
const KNOWN = Object.keys(CAUSE_WEIGHTS) as Known[];

function contribution({ shifts, sizes }: CauseWeights, sigmas: Float64Array, name: ObservedName): number {
  const value = compressed(sigmas[SPACE.indexOf(name)]!);
  return (shifts[name] ?? 0) * value + (sizes[name] ?? 0) * Math.abs(value);
}

/** Twice as many deviations are not twice as much evidence. */
const compressed = (sigmas: number): number => Math.sign(sigmas) * Math.log1p(Math.abs(sigmas));

function likeliest(sigmas: Float64Array): { readonly cause: Known; readonly probability: number } {
  const scores = KNOWN.map((cause) => {
    const weights: CauseWeights = CAUSE_WEIGHTS[cause];
    return SPACE.reduce((sum, name) => sum + contribution(weights, sigmas, name), weights.bias);
  });
  const highest = Math.max(...scores);
  const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
  return { cause: KNOWN[scores.indexOf(highest)]!, probability: 1 / total };
}

function isDead({ contrast, motion }: Shifts): boolean {
  if (contrast !== undefined && contrast.now < MIN_CONTRAST && contrast.reference >= MIN_CONTRAST)
    return true;
  return motion !== undefined && motion.now < MIN_MOTION && motion.reference >= MIN_MOTION;
}

function isGlare({ blown_share: blown, brightness }: Shifts): boolean {
  if (blown === undefined || brightness === undefined) return false;
  return (
    blown.now >= MIN_BLOWN && blown.sigmas >= MIN_BLOWN_SIGMAS && brightness.sigmas >= MIN_BRIGHTER_SIGMAS
  );
}

const ROUGHNESS = ['rough_10', 'rough_25', 'rough_75'] as const;
/** What noise leaves as it is. */
const BESIDE_NOISE = SPACE.filter((name) => SIGNATURES.noise[name] === undefined);

/**
 * Whether smooth places became rougher, and more so than anything changed that noise leaves as it is. Scenes that
 * differ much, as photographs do, make the deviation of noise small, for which the weights are of no use: they were
 * learned where noise deviates by far more than anything else.
 */
function isNoise(sigmas: Float64Array): boolean {
  const at = (name: ObservedName): number => sigmas[SPACE.indexOf(name)]!;
  const rougher = Math.min(at('rough_10'), at('rough_25'));
  return rougher >= MIN_ROUGHER && BESIDE_NOISE.every((name) => Math.abs(at(name)) < rougher);
}

/** @param features the most telling first */
function told(cause: CauseName, shifts: Shifts, features: readonly ObservedName[]): Cause {
  const evidence = features
    .flatMap((name) => {
      const shift = shifts[name];
      return shift === undefined ? [] : [{ name, ...shift }];
    })
    .filter(({ sigmas }) => Math.abs(sigmas) >= MIN_SIGMAS)
    .map(({ name, now, reference }) => `${name} ${short(now)}, in the reference ${short(reference)}`);
  return { cause, evidence: evidence.slice(0, MAX_EVIDENCE) };
}

const short = (value: number): string => String(Number(value.toPrecision(3)));
