import { isCompressed, type CompressedView, type ImageView } from '../../core/image/image-view.ts';
import type { Letterbox, LetterboxResize } from '../../core/image/letterbox.ts';
import { LetterboxResizer } from '../../core/image/resize.ts';
import { withRgb } from './color-converter.ts';
import { asBuffer, sharp, type Sharp } from './sharp-setup.ts';
import { openUpright } from './upright.ts';

const CHANNELS: Partial<Record<ImageView['encoding'], 1 | 3>> = { rgb8: 3, bgr8: 3, mono8: 1 };

/** How the network was trained: the gray of the border (0..255) and how images were scaled down. */
export interface LetterboxStyle {
  readonly padValue: number;
  readonly resize: LetterboxResize;
}

/** A resizer and the letterbox that it was created for. */
interface Enlarger {
  readonly letterbox: Letterbox;
  readonly padValue: number;
  readonly resizer: LetterboxResizer;
}

/**
 * Letterboxes any image into `out`, uint8 RGB `[inputHeight, inputWidth, 3]`. Raw images that shrink are sampled or
 * averaged as the network expects. Compressed ones are always averaged: a JPEG is scaled down while decoding, and
 * sampling would need it at full size. Raw images that grow are small and use plain arithmetic, since libvips' `linear`
 * kernel shifts them by half an output pixel. The border is written here: sharp's `extend` costs another pass over the
 * image, and swapping BGR on the small result is cheaper than on the large source.
 *
 * One instance serves one image at a time, for one network: it keeps the tables for images that grow.
 */
export class SharpLetterboxer {
  #enlarger: Enlarger | null = null;

  /** @throws sharp's error if the image does not decode */
  async run(
    image: ImageView | CompressedView,
    letterbox: Letterbox,
    { padValue, resize }: LetterboxStyle,
    out: Uint8Array,
  ): Promise<void> {
    if (!isCompressed(image) && letterbox.scale > 1) {
      this.#enlargerFor(letterbox, padValue).resize(image, out);
      return;
    }
    const place: Placement = { letterbox, padValue, resize, out };
    if (isCompressed(image)) {
      const opened = openUpright(image, letterbox.sourceWidth * letterbox.sourceHeight);
      await scaleInto(opened, { ...place, resize: 'average' }, false);
    } else if (directChannels(image) !== null) await scaleRaw(image, place);
    else {
      const { width, height } = image;
      await withRgb(image, (data) =>
        scaleRaw({ width, height, encoding: 'rgb8', step: width * 3, data }, place),
      );
    }
  }

  #enlargerFor(letterbox: Letterbox, padValue: number): LetterboxResizer {
    const last = this.#enlarger;
    if (last?.padValue === padValue && isSameLetterbox(last.letterbox, letterbox)) return last.resizer;
    const resizer = new LetterboxResizer(letterbox, 'bilinear', padValue);
    this.#enlarger = { letterbox, padValue, resizer };
    return resizer;
  }
}

/** Where a scaled image goes, and how it is scaled. */
interface Placement extends LetterboxStyle {
  readonly letterbox: Letterbox;
  readonly out: Uint8Array;
}

/** @param image in a layout that sharp reads directly */
function scaleRaw(image: ImageView, place: Placement): Promise<void> {
  const { width, height, step } = image;
  const channels = directChannels(image) ?? 3;
  const stepWidth = step / channels;
  const rows = asBuffer(image.data.subarray(0, step * height));
  const opened = sharp(rows, { raw: { width: stepWidth, height, channels }, limitInputPixels: false });
  const cropped = stepWidth === width ? opened : opened.extract({ left: 0, top: 0, width, height });
  return scaleInto(cropped, place, image.encoding === 'bgr8');
}

async function scaleInto(
  opened: Sharp,
  { letterbox, padValue, resize, out }: Placement,
  isBgr: boolean,
): Promise<void> {
  const scaled = resize === 'average' ? average(opened, letterbox) : sample(opened, letterbox);
  const { data, info } = await scaled.raw().toBuffer({ resolveWithObject: true });
  placeInLetterbox(data, info.channels, isBgr, letterbox, padValue, out);
}

/** Number of channels of an image that sharp reads directly; `null` for one that must be converted to RGB first. */
function directChannels({ encoding, step }: ImageView): 1 | 3 | null {
  const channels = CHANNELS[encoding];
  return channels !== undefined && step % channels === 0 ? channels : null;
}

function isSameLetterbox(one: Letterbox, other: Letterbox): boolean {
  return (
    one.sourceWidth === other.sourceWidth &&
    one.sourceHeight === other.sourceHeight &&
    one.inputWidth === other.inputWidth &&
    one.inputHeight === other.inputHeight &&
    one.padX === other.padX &&
    one.padY === other.padY
  );
}

/** Uses every pixel of the source: libvips' `linear` kernel grows with the reduction. */
function average(source: Sharp, { scaledWidth, scaledHeight }: Letterbox): Sharp {
  return source.resize(scaledWidth, scaledHeight, { fit: 'fill', kernel: 'linear' });
}

/**
 * Computes each pixel from the four around its position in the source, like OpenCV's INTER_LINEAR. The shift puts pixel
 * centers at half-integers on both sides. Only for images that do not grow: there are no pixels beyond their edges.
 */
function sample(source: Sharp, letterbox: Letterbox): Sharp {
  const { sourceWidth, sourceHeight, scaledWidth, scaledHeight } = letterbox;
  const scaleX = scaledWidth / sourceWidth;
  const scaleY = scaledHeight / sourceHeight;
  return source.affine([scaleX, 0, 0, scaleY], {
    interpolator: 'bilinear',
    odx: (scaleX - 1) / 2,
    ody: (scaleY - 1) / 2,
  });
}

/** Copies the scaled image (1 to 4 channels; gray or the first three count) into its place and fills the border. */
export function placeInLetterbox(
  scaled: Uint8Array,
  channels: number,
  isBgr: boolean,
  letterbox: Letterbox,
  padValue: number,
  out: Uint8Array,
): void {
  const { inputWidth, scaledWidth, scaledHeight, padX, padY } = letterbox;
  const outStep = inputWidth * 3;
  out.fill(padValue, 0, padY * outStep);
  out.fill(padValue, (padY + scaledHeight) * outStep);
  const isPlainCopy = channels === 3 && !isBgr;
  for (let y = 0; y < scaledHeight; y++) {
    const row = (padY + y) * outStep;
    const first = row + padX * 3;
    const end = first + scaledWidth * 3;
    if (padX > 0) out.fill(padValue, row, first);
    if (end < row + outStep) out.fill(padValue, end, row + outStep);
    const from = y * scaledWidth * channels;
    if (isPlainCopy) out.set(scaled.subarray(from, from + scaledWidth * 3), first);
    else placeRow(scaled, from, channels, isBgr, out, first, end);
  }
}

function placeRow(
  scaled: Uint8Array,
  from: number,
  channels: number,
  isBgr: boolean,
  out: Uint8Array,
  first: number,
  end: number,
): void {
  const hasColor = channels >= 3;
  const red = hasColor && isBgr ? 2 : 0;
  const green = hasColor ? 1 : 0;
  const blue = hasColor && !isBgr ? 2 : 0;
  for (let at = first, source = from; at < end; at += 3, source += channels) {
    out[at] = scaled[source + red] ?? 0;
    out[at + 1] = scaled[source + green] ?? 0;
    out[at + 2] = scaled[source + blue] ?? 0;
  }
}
