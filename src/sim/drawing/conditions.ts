import type { Random } from '../../core/random.ts';

/** The knobs of a scene. All except `tilt` range continuously from 0 to 1. */
export interface Conditions {
  /** 0 night .. 1 bright day */
  readonly light: number;
  /** 0 clear .. 1 dense */
  readonly fog: number;
  /** 0 dry .. 1 downpour */
  readonly rain: number;
  /** 0 sharp .. 1 strongly out of focus */
  readonly blur: number;
  /** sensor noise: 0 none .. 1 (standard deviation of 24 gray levels) */
  readonly noise: number;
  /** dirt on the lens: 0 clean .. 1 filthy */
  readonly dirt: number;
  /** camera roll in degrees, clockwise positive, -30..30 */
  readonly tilt: number;
}

export const CONDITION_NAMES = ['light', 'fog', 'rain', 'blur', 'noise', 'dirt', 'tilt'] as const;

/** A clear day with a clean, level camera. */
export const CLEAR_DAY: Conditions = { light: 1, fog: 0, rain: 0, blur: 0, noise: 0.08, dirt: 0, tilt: 0 };

/** Minimum and maximum of each knob. */
export const CONDITION_RANGES: Readonly<Record<keyof Conditions, readonly [number, number]>> = {
  light: [0, 1],
  fog: [0, 1],
  rain: [0, 1],
  blur: [0, 1],
  noise: [0, 1],
  dirt: [0, 1],
  tilt: [-30, 30],
};

/**
 * Samples conditions for a data set: mostly a moderate day, with a share of every difficulty. Roughly: 75 %
 * day, 15 % dusk, 10 % night; one in four hazy, one in five rainy, three in ten slightly blurred, one in five
 * behind a dirty lens; tilt of 1.5 degrees (one sigma).
 */
export function sampleConditions(random: Random): Conditions {
  const hour = random.next();
  const light =
    hour < 0.75 ? random.range(0.65, 1) : hour < 0.9 ? random.range(0.35, 0.65) : random.range(0.12, 0.35);
  const fog = random.chance(0.75) ? random.range(0, 0.08) : random.range(0.08, 0.45);
  const rain = random.chance(0.8) ? 0 : random.range(0.05, 0.7);
  const blur = random.chance(0.7) ? 0 : random.range(0.05, 0.35);
  const noise = random.range(0.02, 0.3);
  const dirt = random.chance(0.8) ? 0 : random.range(0.1, 0.6);
  const tilt = Math.max(-6, Math.min(6, random.bell() * 1.5));
  return { light, fog, rain, blur, noise, dirt, tilt };
}
