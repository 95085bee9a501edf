import type { BayerEncoding, ImageView, PixelEncoding } from './image-view.ts';

/** Layout of a mosaic: the position of red in its first two rows, and the bytes per sample. */
export interface Mosaic {
  readonly redX: 0 | 1;
  readonly redY: 0 | 1;
  /** bytes per sample: 1 or 2 */
  readonly bytes: 1 | 2;
  /** offset of the high byte */
  readonly high: 0 | 1;
}

const at = (redX: 0 | 1, redY: 0 | 1, bytes: 1 | 2 = 1, high: 0 | 1 = 0): Mosaic => ({
  redX,
  redY,
  bytes,
  high,
});

/**
 * A name lists the first row, then the second: `rggb` is red and green over green and blue (REP 118,
 * sensor_msgs/image_encodings).
 */
export const MOSAICS: Readonly<Record<BayerEncoding, Mosaic>> = {
  bayer_rggb8: at(0, 0),
  bayer_bggr8: at(1, 1),
  bayer_gbrg8: at(0, 1),
  bayer_grbg8: at(1, 0),
  bayer_rggb16: at(0, 0, 2, 1),
  bayer_bggr16: at(1, 1, 2, 1),
  bayer_gbrg16: at(0, 1, 2, 1),
  bayer_grbg16: at(1, 0, 2, 1),
  bayer_rggb16be: at(0, 0, 2),
  bayer_bggr16be: at(1, 1, 2),
  bayer_gbrg16be: at(0, 1, 2),
  bayer_grbg16be: at(1, 0, 2),
};

/** Minimum number of pixels of a mosaic in each direction: one with a neighbor on either side. */
export const MIN_MOSAIC_SIDE = 3;

/** True for a raw mosaic, in which each pixel holds one of the three colors. */
export function isBayer(encoding: PixelEncoding): encoding is BayerEncoding {
  return encoding in MOSAICS;
}

/**
 * Fills in the two colors that each pixel lacks with the mean of its nearest neighbors of that color, as
 * OpenCV's `COLOR_Bayer..2RGB` does. The outermost pixels repeat their inner neighbors. 16-bit samples are
 * averaged at full depth; then the high byte is used.
 * @param view at least `MIN_MOSAIC_SIDE` pixels wide and high
 * @param out at least width * height * 3 bytes
 */
export function demosaic(view: ImageView & { readonly encoding: BayerEncoding }, out: Uint8Array): void {
  const { width, height } = view;
  const row = width * 3;
  for (let y = 1; y < height - 1; y++) demosaicRow(view, y, out);
  out.copyWithin(0, row, 2 * row);
  out.copyWithin((height - 1) * row, (height - 2) * row, (height - 1) * row);
}

/** The samples above, next to and below a pixel form a sliding window, so that each is read once per row. */
function demosaicRow(
  { width, step, data, encoding }: ImageView & { readonly encoding: BayerEncoding },
  y: number,
  out: Uint8Array,
): void {
  const { redX, redY, bytes, high } = MOSAICS[encoding];
  const isWide = bytes === 2;
  const low = 1 - high;
  const shift = isWide ? 8 : 0;
  const hasRed = (y & 1) === redY;
  // in a row with red, the neighbors to the sides are red and those above and below are blue; in other rows
  // it is the reverse
  const side = hasRed ? 0 : 2;
  const across = 2 - side;
  // of the second pixel, where the loop begins
  let isGreen = hasRed ? redX === 0 : redX === 1;
  const first = y * width * 3;
  let to = first + 3;
  let above = 0;
  let aboveRight = 0;
  let own = 0;
  let right = 0;
  let below = 0;
  let belowRight = 0;
  const begin = y * step;
  for (let x = 0; x < width; x++) {
    const at = begin + x * bytes;
    const up = at - step;
    const down = at + step;
    const aboveLeft = above;
    above = aboveRight;
    const left = own;
    own = right;
    const belowLeft = below;
    below = belowRight;
    if (isWide) {
      aboveRight = (data[up + high]! << 8) | data[up + low]!;
      right = (data[at + high]! << 8) | data[at + low]!;
      belowRight = (data[down + high]! << 8) | data[down + low]!;
    } else {
      aboveRight = data[up]!;
      right = data[at]!;
      belowRight = data[down]!;
    }
    if (x < 2) continue;
    if (isGreen) {
      out[to + side] = ((left + right + 1) >> 1) >> shift;
      out[to + 1] = own >> shift;
      out[to + across] = ((above + below + 1) >> 1) >> shift;
    } else {
      out[to + side] = own >> shift;
      out[to + 1] = ((left + right + above + below + 2) >> 2) >> shift;
      out[to + across] = ((aboveLeft + aboveRight + belowLeft + belowRight + 2) >> 2) >> shift;
    }
    to += 3;
    isGreen = !isGreen;
  }
  out.copyWithin(first, first + 3, first + 6);
  out.copyWithin(to, to - 3, to);
}
