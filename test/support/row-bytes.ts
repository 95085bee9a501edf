import type { PixelEncoding } from '../../src/core/image/image-view.ts';
import { PIXEL_LAYOUTS } from '../../src/core/image/layout.ts';

/** Bytes that one row of the first (or only) plane needs, without padding. */
export function rowBytes(encoding: PixelEncoding, width: number): number {
  return width * PIXEL_LAYOUTS[encoding].bytes;
}
