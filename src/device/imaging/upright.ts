import type { CompressedView } from '../../core/image/image-view.ts';
import { MAX_PIXELS } from '../../core/admission/limits.ts';
import type { Orientation } from '../../core/image/exif.ts';
import { readImageHeader } from '../../core/image/read-header.ts';
import { asBuffer, sharp, type Sharp } from './sharp-setup.ts';

/** How sharp turns a stored image upright: it mirrors first, then rotates clockwise. */
const TURNS: Readonly<Record<Orientation, { flip?: true; flop?: true; rotate?: 90 | 180 | 270 }>> = {
  1: {},
  2: { flop: true },
  3: { rotate: 180 },
  4: { flip: true },
  5: { flip: true, rotate: 90 },
  6: { rotate: 90 },
  7: { flop: true, rotate: 90 },
  8: { rotate: 270 },
};

/**
 * Opens a JPEG or PNG as OpenCV's `imdecode` does: upright by its EXIF data, in color without alpha. The orientation
 * comes from the header that the frame's size was read from, not from libvips: the two must agree.
 * @param maxPixels an image that turns out to have more is refused before it is decoded
 */
export function openUpright(view: CompressedView, maxPixels = MAX_PIXELS): Sharp {
  const image = sharp(asBuffer(view.data), { failOn: 'error', limitInputPixels: maxPixels });
  const { flip, flop, rotate } = TURNS[(view.header ?? readImageHeader(view.data))?.orientation ?? 1];
  if (flip === true) image.flip();
  if (flop === true) image.flop();
  if (rotate !== undefined) image.rotate(rotate);
  return image.toColourspace('srgb').removeAlpha();
}
