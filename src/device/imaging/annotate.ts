import type { Detections } from '../../core/detections.ts';
import type { ImageView } from '../../core/frame.ts';
import { overlaySvg } from '../../core/render/overlay.ts';
import { convertToRgb } from './color-converter.ts';
import { asBuffer, sharp } from './sharp-setup.ts';

/** boxes drawn at most: a picture of thousands would cost seconds and show nothing */
const MAX_DRAWN = 200;

export interface AnnotateOptions {
  /** pictures wider than this are scaled down, pixels; default: the picture's own width */
  readonly maxWidth?: number;
  /** one line in the lower left corner */
  readonly caption?: string;
}

export interface JpegOptions extends AnnotateOptions {
  /** 1..100, default 75 */
  readonly quality?: number;
}

/** A packed RGB picture. */
export interface RgbPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * The picture with boxes and labels drawn in, as JPEG. The pixels are copied before this returns its promise.
 * @param detections in pixels of `pixels`
 */
export async function annotateJpeg(
  pixels: ImageView,
  detections: Detections,
  labels: readonly string[],
  options: JpegOptions = {},
): Promise<Uint8Array> {
  const picture = await draw(pixels, detections, labels, options);
  return picture.jpeg({ quality: options.quality ?? 75 }).toBuffer();
}

/** The picture with boxes and labels drawn in, as packed RGB. */
export async function annotateRgb(
  pixels: ImageView,
  detections: Detections,
  labels: readonly string[],
  options: AnnotateOptions = {},
): Promise<RgbPicture> {
  const picture = await draw(pixels, detections, labels, options);
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
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
  const picture = sharp(asBuffer(rgb), { raw: { width: sourceWidth, height: sourceHeight, channels: 3 } });
  if (scale < 1) picture.resize(width, height, { fit: 'fill', kernel: 'linear' });
  return picture.composite([{ input: Buffer.from(overlay) }]).removeAlpha();
}

/** The first detections, which are the best, in pixels of a picture `scale` times the size. */
function scaled(detections: Detections, scale: number): Detections {
  const count = Math.min(detections.count, MAX_DRAWN);
  return {
    ...detections,
    count,
    boxes: detections.boxes.subarray(0, count * 4).map((value) => value * scale),
  };
}
