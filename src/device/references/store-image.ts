import type { BundleManifest } from '../../contract/bundle.ts';
import type { ReferenceInput } from '../../contract/references.ts';
import type { ImageView } from '../../core/image/image-view.ts';
import { letterboxFor } from '../../core/image/letterbox.ts';
import { enlargeImage } from '../../core/references/synthetic.ts';
import { encodePng } from '../imaging/encode-image.ts';
import { SharpLetterboxer } from '../imaging/sharp-letterbox.ts';
import { digestOfPixels } from './read-references.ts';

/** A raw image of any size. */
export type SourceImage = ImageView;

/**
 * Maximum size of a stored image in bytes: three of them and the outputs of a handful of variants fit a file
 * of references.
 */
const MAX_PICTURE_BYTES = 24_000;

/**
 * Images are stored at an integer fraction of the network's size and enlarged by repeating pixels: coarse,
 * but the same everywhere.
 */
const ENLARGEMENTS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16] as const;

/** Letterboxes an image for the network, as coarsely as necessary to keep it small. */
export async function storeImage(
  image: SourceImage,
  { width, height, anchor, padValue }: BundleManifest['input'],
): Promise<{ readonly input: ReferenceInput; readonly pixels: Uint8Array<ArrayBuffer> }> {
  for (const enlarge of ENLARGEMENTS) {
    const size = { width: Math.ceil(width / enlarge), height: Math.ceil(height / enlarge) };
    const small = new Uint8Array(size.width * size.height * 3);
    const letterbox = letterboxFor(image.width, image.height, size.width, size.height, anchor);
    await new SharpLetterboxer().run(image, letterbox, { padValue, resize: 'average' }, small);
    const png = await encodePng(small, size.width, size.height);
    if (png.byteLength > MAX_PICTURE_BYTES && enlarge !== ENLARGEMENTS.at(-1)) continue;
    const pixels = enlargeImage(small, size, enlarge, { width, height });
    const data = Buffer.from(png).toString('base64');
    return { input: { kind: 'picture', enlarge, data, sha256: digestOfPixels(pixels) }, pixels };
  }
  throw new RangeError('an image that is small however large it is');
}
