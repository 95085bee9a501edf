import { BAYER_ENCODINGS, type BayerEncoding, type PixelEncoding } from './image-view.ts';
import { MIN_MOSAIC_SIDE, MOSAICS } from './bayer.ts';

/** The memory layout of an encoding. */
export interface PixelLayout {
  /** bytes of one pixel in a row of the first (or only) plane */
  readonly bytes: number;
  /** two neighboring columns share their color: the width must be even */
  readonly sharesColumns: boolean;
  /**
   * two neighboring rows share their color: the height must be even, and the chroma planes follow the luma
   */
  readonly sharesRows: boolean;
  /** minimum number of pixels in each direction */
  readonly minSide: number;
}

const packed = (bytes: number): PixelLayout => ({
  bytes,
  sharesColumns: false,
  sharesRows: false,
  minSide: 1,
});
const PACKED_422: PixelLayout = { bytes: 2, sharesColumns: true, sharesRows: false, minSide: 1 };
const PLANAR_420: PixelLayout = { bytes: 1, sharesColumns: true, sharesRows: true, minSide: 1 };

const BAYER_LAYOUTS = Object.fromEntries(
  BAYER_ENCODINGS.map((name) => [name, { ...packed(MOSAICS[name].bytes), minSide: MIN_MOSAIC_SIDE }]),
) as unknown as Readonly<Record<BayerEncoding, PixelLayout>>;

/** Every layout that the frame path supports. */
export const PIXEL_LAYOUTS: Readonly<Record<PixelEncoding, PixelLayout>> = {
  rgb8: packed(3),
  bgr8: packed(3),
  rgba8: packed(4),
  bgra8: packed(4),
  mono8: packed(1),
  mono16: packed(2),
  mono16be: packed(2),
  uyvy: PACKED_422,
  yuyv: PACKED_422,
  nv12: PLANAR_420,
  nv21: PLANAR_420,
  i420: PLANAR_420,
  ...BAYER_LAYOUTS,
};

/**
 * How many times `step` bytes a whole image takes, all planes together. `nv12` and `nv21` keep height / 2
 * rows of `step` bytes of interleaved chroma below the luma; `i420` two planes of height / 2 rows of
 * `step / 2` bytes.
 */
export function planeRows(encoding: PixelEncoding, height: number): number {
  return PIXEL_LAYOUTS[encoding].sharesRows ? height + height / 2 : height;
}
