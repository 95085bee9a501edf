import { isCompressed, type CompressedView, type ImageView } from '../../core/image/image-view.ts';
import type { ImageSize } from '../../core/image/image-header.ts';
import { convertToRgb, withRgb } from './color-converter.ts';
import { asBuffer, sharp, toOwnBytes, type Sharp } from './sharp-setup.ts';
import { openUpright } from './upright.ts';

type RgbView = ImageView & { readonly data: Uint8Array<ArrayBuffer> };

/**
 * Decodes any image to rgb8 in its own memory, upright by its EXIF data. With `size`, scaled to fit with its aspect
 * ratio kept, the rest black.
 * @throws sharp's error if the image does not decode
 */
export async function decodeToRgb(image: ImageView | CompressedView, size?: ImageSize): Promise<RgbView> {
  if (isCompressed(image)) return toRgbView(openUpright(image), size);
  const { width, height } = image;
  if (size === undefined || (size.width === width && size.height === height)) {
    return { width, height, encoding: 'rgb8', step: width * 3, data: await convertToRgb(image) };
  }
  return withRgb(image, (rgb) =>
    toRgbView(sharp(asBuffer(rgb), { raw: { width, height, channels: 3 } }), size),
  );
}

async function toRgbView(opened: Sharp, size: ImageSize | undefined): Promise<RgbView> {
  if (size !== undefined) opened.resize(size.width, size.height, { fit: 'contain', background: '#000' });
  const { data, info } = await toOwnBytes(opened.toColourspace('srgb').removeAlpha().raw());
  const { width, height } = info;
  return { width, height, encoding: 'rgb8', step: width * 3, data };
}
