import type { ImageHeader } from './image-header.ts';

/** Raw mosaics with one color filter per pixel: 8-bit, 16-bit, and 16-bit with the high byte first. */
export const BAYER_ENCODINGS = [
  'bayer_rggb8',
  'bayer_bggr8',
  'bayer_gbrg8',
  'bayer_grbg8',
  'bayer_rggb16',
  'bayer_bggr16',
  'bayer_gbrg16',
  'bayer_grbg16',
  'bayer_rggb16be',
  'bayer_bggr16be',
  'bayer_gbrg16be',
  'bayer_grbg16be',
] as const;

export type BayerEncoding = (typeof BAYER_ENCODINGS)[number];

/**
 * Pixel layouts that the frame path accepts, by their canonical name. `encodings.ts` knows the ROS aliases (`mono16be`
 * is `mono16` with its high byte first, which a message states apart from the name; `yuv422` is `uyvy`, `yuv422_yuy2`
 * is `yuyv`, `8UC1` is `mono8`, `8UC3` is `bgr8`).
 */
export const PIXEL_ENCODINGS = [
  'rgb8',
  'bgr8',
  'rgba8',
  'bgra8',
  'mono8',
  'mono16',
  'mono16be',
  'uyvy',
  'yuyv',
  'nv12',
  'nv21',
  'i420',
  ...BAYER_ENCODINGS,
] as const;

export type PixelEncoding = (typeof PIXEL_ENCODINGS)[number];

/** An image in memory: a view, never a copy. Row `y` starts at byte `y * step` of `data`. */
export interface ImageView {
  /** pixels, >= 1 */
  readonly width: number;
  /** pixels, >= 1 */
  readonly height: number;
  readonly encoding: PixelEncoding;
  /** bytes from one row to the next, >= the bytes one row needs */
  readonly step: number;
  /** `step * rows` bytes, in a frame exactly; chroma planes of `nv12`, `nv21` and `i420` follow the luma plane */
  readonly data: Uint8Array;
}

const FORMATS = ['jpeg', 'png'] as const;
const COMPRESSED: ReadonlySet<string> = new Set(FORMATS);

/** An image still compressed as JPEG or PNG. */
export interface CompressedView {
  readonly format: (typeof FORMATS)[number];
  readonly data: Uint8Array;
  /** its header; present once it was admitted */
  readonly header?: ImageHeader;
}

/** True if the image must be decoded before its pixels can be read. */
export function isCompressed(image: ImageView | CompressedView): image is CompressedView {
  return 'format' in image;
}

/** Whether an encoding, as by `encodingOf`, is that of a compressed image. */
export function isCompressedEncoding(encoding: string): boolean {
  return COMPRESSED.has(encoding);
}

/** The pixel encoding of a raw image, the format of a compressed one. */
export function encodingOf(image: ImageView | CompressedView): string {
  return isCompressed(image) ? image.format : image.encoding;
}
