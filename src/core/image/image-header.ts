import type { Orientation } from './exif.ts';

/** Width and height in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** The header of a JPEG or PNG, read without decoding it. */
export interface ImageHeader extends ImageSize {
  /** of the stored image: the orientation may swap the sides of the upright one */
  readonly width: number;
  readonly height: number;
  /** how the stored image must be turned to be upright */
  readonly orientation: Orientation;
  /** 1 for gray, 3 for color (with or without alpha), 4 for CMYK */
  readonly channels: number;
  /** bits per channel: 8, in a PNG also 1, 2, 4 and 16 */
  readonly bitDepth: number;
}
