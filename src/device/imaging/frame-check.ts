import type { DropReason } from '../../contract/drops.ts';
import { isCompressed, type CompressedView, type ImageView } from '../../core/frame.ts';
import type { ImageSize } from '../../core/image/image-header.ts';
import { minSide, needsEvenHeight, needsEvenWidth, planeRows, rowBytes } from '../../core/image/layout.ts';
import { readImageSize } from './image-header.ts';

/** The largest images that are taken in; larger ones are `bad_size`. */
export interface SizeLimits {
  readonly maxWidth: number;
  readonly maxHeight: number;
  readonly maxPixels: number;
}

/** 8K UHD: what no robot's camera exceeds, and 100 MB as RGB. */
export const DEFAULT_SIZE_LIMITS: SizeLimits = {
  maxWidth: 7680,
  maxHeight: 7680,
  maxPixels: 7680 * 4320,
};

/** The size of an image that can be worked on, or the reason why it is refused. Looks at headers only. */
export function checkImage(image: ImageView | CompressedView, limits: SizeLimits): ImageSize | DropReason {
  if (isCompressed(image)) {
    const size = readImageSize(image.data, image.header);
    if (size === null) return 'corrupt_image';
    return isSizeAllowed(size, limits) ? size : 'bad_size';
  }
  if (!isSizeAllowed(image, limits)) return 'bad_size';
  return isLayoutSound(image) ? image : 'malformed';
}

function isSizeAllowed({ width, height }: ImageSize, limits: SizeLimits): boolean {
  return (
    Number.isInteger(width) &&
    Number.isInteger(height) &&
    width >= 1 &&
    height >= 1 &&
    width <= limits.maxWidth &&
    height <= limits.maxHeight &&
    width * height <= limits.maxPixels
  );
}

function isLayoutSound(image: ImageView): boolean {
  const { width, height, encoding, step } = image;
  if (needsEvenWidth(encoding) && width % 2 !== 0) return false;
  if (needsEvenHeight(encoding) && height % 2 !== 0) return false;
  if (width < minSide(encoding) || height < minSide(encoding)) return false;
  if (!Number.isInteger(step) || step < rowBytes(encoding, width)) return false;
  // the chroma planes of i420 have half the step
  if (encoding === 'i420' && step % 2 !== 0) return false;
  return image.data.byteLength >= step * planeRows(encoding, height);
}
