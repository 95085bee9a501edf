import { join } from 'node:path';
import { GoshawkError } from '../contract/errors.ts';
import { MAX_PICTURES, type MadeReferences } from '../device/authoring/make-references.ts';
import { decodeImageFile, listImageFiles } from '../device/imaging/image-file.ts';
import type { SourceImage } from '../device/references/store-image.ts';

/** Mean best score below which a model finds nothing in the images. */
const MIN_SCORE = 0.2;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The first images of a folder, by name, as many as references are made from. Throws GOSHAWK_FILE_UNREADABLE if there
 * is no such folder, GOSHAWK_FILE_INVALID if it has no image or one that does not decode.
 */
export async function readReferenceImages(folder: string): Promise<SourceImage[]> {
  let names: string[];
  try {
    names = await listImageFiles(folder);
  } catch (cause) {
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file: folder, reason: messageOf(cause) }, { cause });
  }
  if (names.length === 0) {
    throw new GoshawkError('GOSHAWK_FILE_INVALID', {
      file: folder,
      reason: 'it has no JPEG or PNG images',
    });
  }
  const pictures: SourceImage[] = [];
  for (const name of names.slice(0, MAX_PICTURES)) pictures.push(await decode(join(folder, name)));
  return pictures;
}

async function decode(file: string): Promise<SourceImage> {
  let decoded;
  try {
    decoded = await decodeImageFile(file);
  } catch (cause) {
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: messageOf(cause) }, { cause });
  }
  if (!decoded.ok) throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: decoded.detail });
  return decoded.view;
}

/** What was made, as terminal output. */
export function describeReferences(references: MadeReferences | null): string {
  if (references === null)
    return 'none: for noise, the model returns something that is not a score; it will run unchecked';
  const { entry, bestScore, without } = references;
  const rest =
    without.length === 0 ? '' : `; none for ${without.join(', ')}, which only runs on its own device`;
  const lowScore =
    bestScore < MIN_SCORE
      ? '; the model finds nothing in these images: pass typical ones with --reference-images DIR'
      : '';
  return `${entry.bytes} bytes, best scores ${bestScore.toFixed(2)}${rest}${lowScore}`;
}
