import type { Detections } from '../../core/detections.ts';
import type { ImageView } from '../../core/image/image-view.ts';
import { overlaySvg } from '../../core/render/overlay.ts';
import { convertToRgb } from './color-converter.ts';
import { asBuffer, sharp } from './sharp-setup.ts';

/** maximum number of boxes drawn: thousands would cost seconds and show nothing */
const MAX_DRAWN = 200;

/** 1..100 */
const JPEG_QUALITY = 75;

/** A packed RGB image. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * The image with boxes and labels drawn in, as JPEG. The pixels are copied before this returns its promise.
 * @param detections in pixels of `pixels`
 * @param maxWidth wider images are scaled down, pixels
 */
export async function annotateJpeg(
  pixels: ImageView,
  detections: Detections,
  labels: readonly string[],
  maxWidth = Infinity,
): Promise<Uint8Array> {
  const image = await draw(pixels, detections, labels, maxWidth);
  return image.jpeg({ quality: JPEG_QUALITY }).toBuffer();
}

/** The image with boxes and labels drawn in, as packed RGB. */
export async function annotateRgb(
  pixels: ImageView,
  detections: Detections,
  labels: readonly string[],
): Promise<RgbImage> {
  const image = await draw(pixels, detections, labels, Infinity);
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

async function draw(pixels: ImageView, detections: Detections, labels: readonly string[], maxWidth: number) {
  const { width: sourceWidth, height: sourceHeight } = pixels;
  const scale = Math.min(1, maxWidth / sourceWidth);
  const width = Math.max(1, Math.round(sourceWidth * scale));
  const height = Math.max(1, Math.round(sourceHeight * scale));
  const overlay = overlaySvg(scaled(detections, scale), labels, width, height);
  const rgb = await convertToRgb(pixels);
  const image = sharp(asBuffer(rgb), { raw: { width: sourceWidth, height: sourceHeight, channels: 3 } });
  if (scale < 1) image.resize(width, height, { fit: 'fill', kernel: 'linear' });
  return image.composite([{ input: Buffer.from(overlay) }]).removeAlpha();
}

/** The first, best detections, in pixels of an image `scale` times the size. */
function scaled(detections: Detections, scale: number): Detections {
  const count = Math.min(detections.count, MAX_DRAWN);
  return {
    ...detections,
    count,
    boxes: detections.boxes.subarray(0, count * 4).map((value) => value * scale),
  };
}
