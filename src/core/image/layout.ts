import type { PixelEncoding } from '../frame.ts';
import { isBayer, MIN_MOSAIC_SIDE, MOSAICS } from './bayer.ts';

/** Bytes that one row of the first (or only) plane needs, without padding. */
export function rowBytes(encoding: PixelEncoding, width: number): number {
  if (isBayer(encoding)) return width * MOSAICS[encoding].bytes;
  switch (encoding) {
    case 'rgb8':
    case 'bgr8':
      return width * 3;
    case 'rgba8':
    case 'bgra8':
      return width * 4;
    case 'uyvy':
    case 'yuyv':
    case 'mono16':
    case 'mono16be':
      return width * 2;
    case 'mono8':
    case 'nv12':
    case 'nv21':
    case 'i420':
      return width;
  }
}

/**
 * How many times `step` bytes a whole image takes, all planes together. `nv12` and `nv21` keep height / 2
 * rows of `step` bytes of interleaved chroma below the luma; `i420` two planes of height / 2 rows of
 * `step / 2` bytes.
 */
export function planeRows(encoding: PixelEncoding, height: number): number {
  return needsEvenHeight(encoding) ? height + height / 2 : height;
}

/** Pixels that an image has at the least in each direction to be read in this layout. */
export function minSide(encoding: PixelEncoding): number {
  return isBayer(encoding) ? MIN_MOSAIC_SIDE : 1;
}

/** True for layouts in which two neighboring columns share their color: the width must be even. */
export function needsEvenWidth(encoding: PixelEncoding): boolean {
  return encoding === 'uyvy' || encoding === 'yuyv' || needsEvenHeight(encoding);
}

/** True for layouts in which two neighboring rows share their color: the height must be even. */
export function needsEvenHeight(encoding: PixelEncoding): boolean {
  return encoding === 'nv12' || encoding === 'nv21' || encoding === 'i420';
}
