import { isCompressed, type CompressedView, type ImageView } from '../image/image-view.ts';
import type { ImageSize } from '../image/image-header.ts';
import { sniffFormat, uprightSize } from '../image/read-header.ts';
import type { Refusal } from '../refusal.ts';
import { admitBytes } from './compressed.ts';
import { refuseRaw } from './raw.ts';

/**
 * What every frame must be, wherever it comes from: returns the size of the upright image, or why it is refused. Looks
 * at headers only and allocates nothing for a raw image. A compressed image that carries its header was admitted when
 * that was read.
 */
export function admit(image: ImageView | CompressedView): ImageSize | Refusal {
  if (!isCompressed(image)) return refuseRaw(image) ?? image;
  if (image.header !== undefined && sniffFormat(image.data) === image.format)
    return uprightSize(image.header);
  const admitted = admitBytes(image.data);
  return admitted.ok ? uprightSize(admitted.view.header) : admitted;
}

/** True if `admit` refused the image. */
export function isRefused(verdict: ImageSize | Refusal): verdict is Refusal {
  return 'reason' in verdict;
}
