import type { Detections } from '../../core/detections.ts';
import type { ImageView } from '../../core/image/image-view.ts';
import { overlaySvg } from '../../core/render/overlay.ts';
import { convertToRgb } from './color-converter.ts';
import { asBuffer, sharp } from './sharp-setup.ts';

/** maximum number of boxes drawn: thousands would cost seconds and show nothing */
const MAX_DRAWN = 200;

export interface AnnotateOptions {
  /** images wider than this are scaled down, pixels; default: the image's own width */
  readonly maxWidth?: number;
  /** one line in the lower left corner */
  readonly caption?: string;
}

export interface JpegOptions extends AnnotateOptions {
  /** 1..100, default 75 */
  readonly quality?: number;
}

/** A packed RGB image. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * The image with boxes and labels drawn in, as JPEG. The pixels are copied before this returns its promise.
 * @param detections in pixels of `pixels`
 */
export async function annotateJpeg(
  pixels: ImageView,
  detections: Detections,
  labels: readonly string[],
  options: JpegOptions = {},
): Promise<Uint8Array> {
  const image = await draw(pixels, detections, labels, options);
  return image.jpeg({ quality: options.quality ?? 75 }).toBuffer();
}

/** The image with boxes and labels drawn in, as packed RGB. */
export async function annotateRgb(
  pixels: ImageView,
  detections: Detections,
  labels: readonly string[],
  options: AnnotateOptions = {},
): Promise<RgbImage> {
  const image = await draw(pixels, detections, labels, options);
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

async function draw(
  pixels: ImageView,
  detections: Detections,
  labels: readonly string[],
  { maxWidth = pixels.width, caption }: AnnotateOptions,
) {
  const { width: sourceWidth, height: sourceHeight } = pixels;
  const scale = Math.min(1, maxWidth / sourceWidth);
  const width = Math.max(1, Math.round(sourceWidth * scale));
  const height = Math.max(1, Math.round(sourceHeight * scale));
  const overlay = overlaySvg(scaled(detections, scale), labels, width, height, caption);
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
