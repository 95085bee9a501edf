import type { Random } from '../random.ts';
import { defocus, lineTaps, motionBlur, zoomBlur } from './blur.ts';
import { addNoise, saltAndPepper, sigmasOf } from './noise.ts';
import type { ByStrength, Picture, Strength } from './picture.ts';
import { flatten, pixelate, resaturate, revalue } from './tone.ts';
import { fog, snow, type Snow } from './weather.ts';

type Corrupt = (image: Picture, place: number, random: Random) => Picture;

/** Binds a corruption to its parameter by strength. */
function by<T>(values: ByStrength<T>, apply: (image: Picture, value: T, random: Random) => Picture): Corrupt {
  return (image, place, random) => apply(image, values[place]!, random);
}

/** Enlargements and reductions of up to so many hundredths, so that objects stay where their labels are. */
const zooms = (end: number): number[] =>
  Array.from({ length: end }, (_, i) => [1 + (i + 1) / 100, 1 / (1 + (i + 1) / 100)]).flat();

const flakes = (
  mean: number,
  zoom: number,
  threshold: number,
  radius: number,
  sigma: number,
  clear: number,
): Snow => ({ mean, zoom, threshold, radius, sigma, clear });

/**
 * Corruptions that need nothing but pixels. The kinds are those of Hendrycks and Dietterich 2019 (arXiv 1903.12261),
 * applied to detection by Michaelis et al. 2019 (arXiv 1907.07484); the strengths are milder. Theirs leave small
 * detectors next to nothing from the first strength on, while a fit must know what costs a fifth. Shot noise is its
 * normal approximation, defocus is a disk with hard edges, zoom blur goes in both directions (theirs moves
 * objects away from their labels), snow and fog have other random numbers, and `darkness` is an
 * addition. Of theirs are missing: frost (made of photographs), glass blur, and elastic transform, which moves objects.
 */
const PURE = {
  gaussian_noise: by([0.01, 0.02, 0.035, 0.06, 0.1], (image, sigma, random) =>
    addNoise(image, sigmasOf.gaussian(sigma), random),
  ),
  shot_noise: by([1500, 500, 200, 80, 25], (image, photons, random) =>
    addNoise(image, sigmasOf.shot(photons), random),
  ),
  speckle_noise: by([0.02, 0.05, 0.08, 0.12, 0.2], (image, sigma, random) =>
    addNoise(image, sigmasOf.speckle(sigma), random),
  ),
  impulse_noise: by([0.001, 0.003, 0.006, 0.015, 0.04], saltAndPepper),
  defocus_blur: by([1, 2, 3, 4, 6], defocus),
  motion_blur: by(
    [
      [3, 1],
      [5, 2],
      [8, 3],
      [10, 4],
      [15, 6],
    ] as const,
    (image, [radius, sigma], random) =>
      motionBlur(image, lineTaps(radius, sigma, random.range(-Math.PI / 4, Math.PI / 4))),
  ),
  zoom_blur: by([zooms(1), zooms(2), zooms(4), zooms(6), zooms(10)], zoomBlur),
  snow: by(
    [
      flakes(0.05, 3, 0.65, 10, 4, 0.95),
      flakes(0.05, 3, 0.55, 10, 4, 0.9),
      flakes(0.1, 3, 0.55, 10, 4, 0.85),
      flakes(0.1, 3, 0.5, 10, 4, 0.8),
      flakes(0.2, 2, 0.5, 12, 4, 0.7),
    ],
    snow,
  ),
  fog: by([0.2, 0.4, 0.7, 1.1, 1.6], (image, density, random) => fog(image, density, random)),
  brightness: by([0.1, 0.2, 0.3, 0.4, 0.5], (image, added) => revalue(image, (value) => value + added)),
  darkness: by([0.6, 0.45, 0.3, 0.2, 0.12], (image, share) => revalue(image, (value) => value * share)),
  contrast: by([0.8, 0.6, 0.45, 0.3, 0.2], flatten),
  saturate: by(
    [
      [0.3, 0],
      [0.1, 0],
      [2, 0],
      [5, 0.1],
      [20, 0.2],
    ] as const,
    (image, [factor, shift]) => resaturate(image, factor, shift),
  ),
  pixelate: by([0.6, 0.45, 0.35, 0.25, 0.15], pixelate),
} as const satisfies Readonly<Record<string, Corrupt>>;

/** Quality of JPEG by strength: the one corruption that needs a library. */
export const JPEG_QUALITY: ByStrength = [30, 15, 10, 6, 3];

type PureCorruption = keyof typeof PURE;

/** 15 corruptions, of 5 strengths each. */
export type Corruption = PureCorruption | 'jpeg_compression';

export const CORRUPTIONS: readonly Corruption[] = [
  ...(Object.keys(PURE) as PureCorruption[]),
  'jpeg_compression',
];

export const STRENGTHS: readonly Strength[] = [1, 2, 3, 4, 5];

/** Applies a corruption; the image itself is left as it is, and the same random numbers yield the same pixels. */
export function corrupt(name: PureCorruption, strength: Strength, image: Picture, random: Random): Picture {
  return PURE[name](image, strength - 1, random);
}
