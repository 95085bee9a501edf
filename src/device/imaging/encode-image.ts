import type { ImageView } from '../../core/image/image-view.ts';
import { withRgb } from './color-converter.ts';
import { asBuffer, sharp, toOwnBytes } from './sharp-setup.ts';

function open(rgb: Uint8Array, width: number, height: number) {
  return sharp(asBuffer(rgb), { raw: { width, height, channels: 3 } });
}

/** Any image to JPEG; packed RGB is read in place and must not change meanwhile. */
export function encodeViewJpeg(view: ImageView, quality: number): Promise<Uint8Array> {
  return withRgb(view, (rgb) => encodeJpeg(rgb, view.width, view.height, quality));
}

/** rgb8 to JPEG with full color resolution; quality 1..100. */
export async function encodeJpeg(
  rgb: Uint8Array,
  width: number,
  height: number,
  quality: number,
): Promise<Uint8Array> {
  const encoded = open(rgb, width, height).jpeg({ quality, chromaSubsampling: '4:4:4' });
  return (await toOwnBytes(encoded)).data;
}

/** rgb8 to PNG, lossless. */
export async function encodePng(rgb: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const encoded = open(rgb, width, height).png({ compressionLevel: 6 });
  return (await toOwnBytes(encoded)).data;
}
