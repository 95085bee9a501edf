import {
  corrupt,
  CORRUPTIONS,
  JPEG_QUALITY,
  STRENGTHS,
  type Corruption,
} from '../../../core/corruption/corrupt.ts';
import type { Picture, Strength } from '../../../core/corruption/picture.ts';
import { createRandom, mixSeeds, type Random } from '../../../core/random.ts';
import { decodeToRgb } from '../../../device/imaging/decode-image.ts';
import { encodeJpeg } from '../../../device/imaging/encode-image.ts';
import type { LabeledPictures } from './labeled-pictures.ts';

/** One way to degrade pictures. */
export interface Degradation {
  /** what it is called, and how strong it is, from 1 on */
  readonly corruption: string;
  readonly strength: number;
  /** A picture, degraded. @param index of the picture */
  read(pictures: LabeledPictures, index: number): Promise<Picture>;
}

/** Every corruption in every strength. The same seed yields the same pixels. */
export function corruptions(seed: number, strengths: readonly Strength[] = STRENGTHS): Degradation[] {
  return CORRUPTIONS.flatMap((corruption, at) =>
    strengths.map((strength) => ({
      corruption,
      strength,
      read: async (pictures: LabeledPictures, index: number) =>
        degrade(
          await pictures.read(index),
          corruption,
          strength,
          createRandom(mixSeeds(seed, at, strength, index)),
        ),
    })),
  );
}

async function degrade(
  image: Picture,
  corruption: Corruption,
  strength: Strength,
  random: Random,
): Promise<Picture> {
  if (corruption !== 'jpeg_compression') return corrupt(corruption, strength, image, random);
  const { width, height, pixels } = image;
  const data = await encodeJpeg(pixels, width, height, JPEG_QUALITY[strength - 1]!);
  const decoded = await decodeToRgb({ format: 'jpeg', data });
  return { width, height, pixels: decoded.data };
}
