import { clamp, decay } from './exact-math.ts';
import type { Conditions } from './conditions.ts';
import { pack } from './canvas.ts';

/** A color as 0xRRGGBB, as it looks in plain daylight. */
export type Color = number;

/** How daylight and weather change a color on its way to the camera. */
export interface Atmosphere {
  /** share of daylight that surfaces reflect, by channel */
  readonly ambient: readonly [number, number, number];
  /** color of the far haze, channels 0..255 */
  readonly haze: readonly [number, number, number];
  /** haze per meter */
  readonly density: number;
  readonly skyTop: Color;
  readonly skyLow: Color;
  /** 0 by day .. 1 at night: how bright lamps and lit windows are */
  readonly lamps: number;
}

function mix(low: number, high: number, share: number): number {
  return low + (high - low) * share;
}

/** Blends two colors: share 0 is `low`, 1 is `high`. */
export function mixColors(low: Color, high: Color, share: number): Color {
  const r = mix((low >> 16) & 255, (high >> 16) & 255, share) | 0;
  const g = mix((low >> 8) & 255, (high >> 8) & 255, share) | 0;
  const b = mix(low & 255, high & 255, share) | 0;
  return (r << 16) | (g << 8) | b;
}

/** @param overcast 0 blue sky .. 1 gray sky, a property of the world */
export function atmosphereOf(conditions: Conditions, overcast: number): Atmosphere {
  const { light, fog, rain } = conditions;
  const gray = clamp(overcast + rain * 0.8 + fog * 0.8, 0, 1);
  const dusk = clamp(1 - Math.abs(light - 0.4) / 0.25, 0, 1) * (1 - gray);
  const level = 0.3 + 0.7 * light;
  const ambient = [
    level * mix(0.86, 1, light),
    level * mix(0.92, 1, light),
    level * mix(1.08, 1, light),
  ] as const;
  const dayTop = mixColors(0x4f86c6, 0xb4bcc4, gray);
  const dayLow = mixColors(0xc4dcf0, 0xd4d8da, gray);
  const skyTop = mixColors(0x0b1020, dayTop, light);
  const skyLow = mixColors(mixColors(0x232a3c, dayLow, light), 0xe8a070, dusk * 0.6);
  const fogColor = mixColors(skyLow, mixColors(0x30343c, 0xc8ccd0, light), fog);
  return {
    ambient,
    haze: [(fogColor >> 16) & 255, (fogColor >> 8) & 255, fogColor & 255],
    density: 0.0015 + 0.004 * rain + fog * fog * 0.07 + fog * 0.012,
    skyTop: mixColors(skyTop, fogColor, clamp(fog * 1.3, 0, 1)),
    skyLow: mixColors(skyLow, fogColor, clamp(fog * 1.6, 0, 1)),
    lamps: clamp((0.65 - light) / 0.5, 0, 1),
  };
}

/** Share of an object's own light that reaches the camera over `distance` meters, 0..1. */
export function transmission(atmosphere: Atmosphere, distance: number): number {
  return decay(atmosphere.density * distance);
}

/**
 * The packed color of a surface as the camera sees it.
 * @param shade brightness from its orientation, about 0.5..1.2
 * @param emissive true for lamps, which daylight does not affect
 */
export function seenColor(
  atmosphere: Atmosphere,
  color: Color,
  shade: number,
  distance: number,
  emissive: boolean,
): number {
  const { ambient, haze } = atmosphere;
  const own = transmission(atmosphere, distance);
  const r = ((color >> 16) & 255) * shade * (emissive ? 1 : ambient[0]);
  const g = ((color >> 8) & 255) * shade * (emissive ? 1 : ambient[1]);
  const b = (color & 255) * shade * (emissive ? 1 : ambient[2]);
  return pack(
    Math.min(255, mix(haze[0], r, own)) | 0,
    Math.min(255, mix(haze[1], g, own)) | 0,
    Math.min(255, mix(haze[2], b, own)) | 0,
  );
}
