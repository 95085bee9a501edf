import type { Orientation } from './exif.ts';

/** Width and height in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** What the header of a JPEG or PNG says, without decoding it. */
export interface ImageHeader extends ImageSize {
  /** of the stored image: those of the upright one are swapped where the orientation says so */
  readonly width: number;
  readonly height: number;
  /** how the stored image has to be turned to be upright */
  readonly orientation: Orientation;
  /** 1 for gray, 3 for color (with or without alpha), 4 for CMYK */
  readonly channels: number;
  /** bits of each channel: 8, of a PNG also 1, 2, 4 and 16 */
  readonly bitDepth: number;
}
