import { readdir } from 'node:fs/promises';
import { admitBytes } from '../../core/admission/compressed.ts';
import { MAX_PIXELS } from '../../core/admission/limits.ts';
import type { CompressedView, ImageView } from '../../core/image/image-view.ts';
import { refuse, type Refusal } from '../../core/refusal.ts';
import { errorText } from '../../platform/error-text.ts';
import { readRegularFile } from '../../platform/regular-file.ts';
import { decodeToRgb } from './decode-image.ts';

const IMAGE_FILE = /\.(jpe?g|png)$/i;

/** The largest uncompressed image, a 16-bit PNG with alpha, plus room for metadata. */
const MAX_FILE_BYTES = MAX_PIXELS * 8 + 64 * 1024 * 1024;

/** Names of the JPEG and PNG files of a folder, sorted. Rejects if it cannot be listed. */
export async function listImageFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => IMAGE_FILE.test(name)).sort();
}

/**
 * Reads an image file and admits it by its bytes: neither name nor extension counts. Rejects if the file cannot be
 * read.
 */
export async function readImageFile(
  file: string,
): Promise<{ readonly ok: true; readonly view: CompressedView } | Refusal> {
  // a copy, since small files are read into shared memory, and a frame's memory may be transferred to another thread
  return admitBytes(new Uint8Array(await readRegularFile(file, MAX_FILE_BYTES)));
}

/** As `readImageFile`, decoded to rgb8; an image that does not decode is refused too. */
export async function decodeImageFile(file: string): Promise<DecodedImage | Refusal> {
  const admitted = await readImageFile(file);
  return admitted.ok ? decodeOrRefuse(admitted.view) : admitted;
}

export interface DecodedImage {
  readonly ok: true;
  readonly view: ImageView;
}

/** Decodes an admitted image to rgb8 in memory of its own; one that does not decode is refused. */
export async function decodeOrRefuse(image: ImageView | CompressedView): Promise<DecodedImage | Refusal> {
  try {
    return { ok: true, view: await decodeToRgb(image) };
  } catch (error) {
    return refuse('corrupt_image', errorText(error));
  }
}
