import { readdir } from 'node:fs/promises';
import { admitBytes } from '../../core/admission/compressed.ts';
import { MAX_PIXELS } from '../../core/admission/limits.ts';
import type { CompressedView, ImageView } from '../../core/image/image-view.ts';
import { refuse, type Refusal } from '../../core/refusal.ts';
import { readRegularFile } from '../../platform/regular-file.ts';
import { decodeToRgb } from './decode-image.ts';

const IMAGE_FILE = /\.(jpe?g|png)$/i;

/**
 * The largest image without any compression, as PNG of 16 bits with alpha, and room for what surrounds it.
 */
const MAX_FILE_BYTES = MAX_PIXELS * 8 + 64 * 1024 * 1024;

/** Names of the JPEG and PNG files of a folder, sorted. Rejects where it cannot be listed. */
export async function listImageFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => IMAGE_FILE.test(name)).sort();
}

/**
 * An image file as it is, admitted by its bytes: neither its name nor its extension counts. Rejects where the
 * file cannot be read.
 */
export async function readImageFile(
  file: string,
): Promise<{ readonly ok: true; readonly view: CompressedView } | Refusal> {
  // a copy, since small files are read into memory that others share, and a frame's memory may be moved to
  // another thread
  return admitBytes(new Uint8Array(await readRegularFile(file, MAX_FILE_BYTES)));
}

/** As `readImageFile`, decoded to rgb8; an image that does not decode is refused too. */
export async function decodeImageFile(
  file: string,
): Promise<{ readonly ok: true; readonly view: ImageView } | Refusal> {
  const admitted = await readImageFile(file);
  if (!admitted.ok) return admitted;
  try {
    return { ok: true, view: await decodeToRgb(admitted.view) };
  } catch (error) {
    return refuse('corrupt_image', error instanceof Error ? error.message : String(error));
  }
}
