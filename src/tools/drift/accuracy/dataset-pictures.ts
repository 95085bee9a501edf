import { join } from 'node:path';
import { GoshawkError } from '../../../contract/errors.ts';
import type { Picture } from '../../../core/corruption/picture.ts';
import { decodeImageFile } from '../../../device/imaging/image-file.ts';
import type { Dataset } from '../../evaluate/dataset.ts';
import type { LabeledPictures } from './labeled-pictures.ts';

/** The pictures of a data set as two scene mixes: the half with few objects, and the crowded half. */
export function datasetPictures(dataset: Dataset, folder: string): LabeledPictures[] {
  const counts = dataset.images.map(
    (_, index) => dataset.truths.filter(({ image }) => image === index).length,
  );
  const ranked = dataset.images.map((_, index) => index).sort((a, b) => counts[a]! - counts[b]! || a - b);
  const half = Math.ceil(ranked.length / 2);
  const mixes = [
    ['few', ranked.slice(0, half)],
    ['crowded', ranked.slice(half)],
  ] as const;
  return mixes
    .filter(([, indices]) => indices.length > 0)
    .map(([mix, indices]): LabeledPictures => {
      const names = indices.map((index) => dataset.images[index]!.file);
      return {
        mix,
        rate: null,
        starts: new Set<number>(),
        names,
        count: indices.length,
        read: (index) => readRgb(join(folder, names[index]!)),
        truths: dataset.truths.flatMap((truth) => {
          const image = indices.indexOf(truth.image);
          return image < 0 ? [] : [{ ...truth, image }];
        }),
      };
    });
}

/** @throws GoshawkError GOSHAWK_FILE_UNREADABLE, GOSHAWK_FILE_INVALID */
export async function readRgb(file: string): Promise<Picture> {
  const decoded = await decodeImageFile(file).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason }, { cause: error });
  });
  if (!decoded.ok) throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: decoded.detail });
  const { width, height, data } = decoded.view;
  return { width, height, pixels: Uint8Array.from(data) };
}
