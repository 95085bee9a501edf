import { isCompressed, type CompressedView, type ImageView } from '../../core/frame.ts';
import type { PictureSize } from '../../core/image/compressed-size.ts';
import { convertToRgb } from './color-converter.ts';
import { asBuffer, sharp, toOwnBytes } from './sharp-setup.ts';
import { openUpright } from './upright.ts';

/**
 * Any picture as rgb8 in memory of its own, upright by its EXIF data. With `size`, scaled to fit inside it with its aspect ratio kept, the rest black.
 * @param maxPixels a compressed picture that claims more is refused before it is decoded
 * @throws what sharp throws where the picture does not decode
 */
export async function decodeToRgb(
  image: ImageView | CompressedView,
  maxPixels: number,
  size?: PictureSize,
): Promise<ImageView & { readonly data: Uint8Array<ArrayBuffer> }> {
  let opened;
  if (isCompressed(image)) {
    opened = openUpright(image, maxPixels);
  } else {
    const { width, height } = image;
    const rgb = await convertToRgb(image);
    if (size === undefined || (size.width === width && size.height === height)) {
      return { width, height, encoding: 'rgb8', step: width * 3, data: rgb };
    }
    opened = sharp(asBuffer(rgb), { raw: { width, height, channels: 3 } });
  }
  if (size !== undefined)
    opened = opened.resize(size.width, size.height, { fit: 'contain', background: '#000' });
  const { data, info } = await toOwnBytes(opened.toColourspace('srgb').removeAlpha().raw());
  const { width, height } = info;
  return { width, height, encoding: 'rgb8', step: width * 3, data };
}
