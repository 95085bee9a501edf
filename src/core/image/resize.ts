import type { ImageView } from './image-view.ts';
import { toRgb } from './convert.ts';
import type { Letterbox } from './letterbox.ts';

/**
 * How a pixel of the scaled image is computed. `bilinear`: from the two nearest source pixels on each axis,
 * like OpenCV's INTER_LINEAR. `antialias`: from all source pixels under a triangle as wide as the pixel is in
 * the source, like the linear kernel of libvips (sharp) when it shrinks. The two are the same when an image
 * is enlarged.
 */
export type ResizeKernel = 'bilinear' | 'antialias';

/** Gray value of the border, as in training with Ultralytics and YOLOX. */
const DEFAULT_PAD = 114;

/**
 * For each output position, `taps` source positions (already clamped to the image) and their weights, which
 * sum to 1.
 */
interface AxisTable {
  readonly taps: number;
  readonly positions: Int32Array;
  readonly weights: Float32Array;
}

/**
 * Pixel centers lie at half-integers on both sides: source = (output + 0.5) * from / to - 0.5. If an image
 * shrinks to a quarter or less, libvips first averages blocks of n = floor(from / to / 2) pixels and applies
 * the triangle to the blocks. One table does both steps, with n taps per block.
 */
function axisTable(from: number, to: number, kernel: ResizeKernel): AxisTable {
  const antialias = kernel === 'antialias';
  const block = antialias ? Math.max(1, Math.floor(from / to / 2)) : 1;
  const lastBlock = Math.ceil(from / block) - 1;
  const ratio = from / to / block;
  const radius = antialias ? Math.max(1, ratio) : 1;
  const reach = Math.ceil(radius) * 2;
  const taps = reach * block;
  const positions = new Int32Array(to * taps);
  const weights = new Float32Array(to * taps);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * ratio - 0.5;
    const first = Math.floor(center - radius) + 1;
    let sum = 0;
    for (let k = 0; k < reach; k++) sum += triangle(first + k - center, radius);
    for (let tap = 0; tap < taps; tap++) {
      const k = Math.floor(tap / block);
      const start = Math.min(lastBlock, Math.max(0, first + k)) * block;
      positions[i * taps + tap] = Math.min(from - 1, start + (tap % block));
      weights[i * taps + tap] = triangle(first + k - center, radius) / sum / block;
    }
  }
  return { taps, positions, weights };
}

/** 1 in the middle, 0 from `radius` on. */
function triangle(distance: number, radius: number): number {
  return Math.max(0, 1 - Math.abs(distance) / radius);
}

/**
 * Letterboxes images of one size into a network input, in plain float arithmetic with one rounding at the
 * end. It is the reference for faster preprocessors, and the fallback if they are not available. Tables and
 * scratch memory are allocated once, for the size in the letterbox.
 */
export class LetterboxResizer {
  readonly #letterbox: Letterbox;
  readonly #pad: number;
  readonly #columns: AxisTable;
  readonly #rows: AxisTable;
  /** the image as packed RGB, converted if it has another layout */
  #rgb: Uint8Array | undefined;
  /** the image at its final width and original height */
  readonly #narrowed: Float32Array;

  constructor(letterbox: Letterbox, kernel: ResizeKernel, pad: number = DEFAULT_PAD) {
    this.#letterbox = letterbox;
    this.#pad = pad;
    this.#columns = axisTable(letterbox.sourceWidth, letterbox.scaledWidth, kernel);
    this.#rows = axisTable(letterbox.sourceHeight, letterbox.scaledHeight, kernel);
    this.#narrowed = new Float32Array(letterbox.scaledWidth * letterbox.sourceHeight * 3);
  }

  /**
   * @param view an image of the letterbox's source size, any encoding
   * @param out inputWidth * inputHeight * 3 bytes: rows of RGB pixels (NHWC), the border filled with the pad value
   */
  resize(view: ImageView, out: Uint8Array): void {
    this.#narrow(this.#asRgb(view));
    out.fill(this.#pad);
    this.#lower(out);
  }

  #asRgb(view: ImageView): Uint8Array {
    if (view.encoding === 'rgb8' && view.step === view.width * 3) return view.data;
    this.#rgb ??= new Uint8Array(view.width * view.height * 3);
    toRgb(view, this.#rgb);
    return this.#rgb;
  }

  #narrow(rgb: Uint8Array): void {
    const { sourceWidth, sourceHeight, scaledWidth } = this.#letterbox;
    const { taps, positions, weights } = this.#columns;
    const narrowed = this.#narrowed;
    let to = 0;
    for (let y = 0; y < sourceHeight; y++) {
      const row = y * sourceWidth;
      for (let entry = 0; entry < scaledWidth * taps; entry += taps, to += 3) {
        let red = 0;
        let green = 0;
        let blue = 0;
        for (let tap = entry; tap < entry + taps; tap++) {
          const at = (row + positions[tap]!) * 3;
          const weight = weights[tap]!;
          red += weight * rgb[at]!;
          green += weight * rgb[at + 1]!;
          blue += weight * rgb[at + 2]!;
        }
        narrowed[to] = red;
        narrowed[to + 1] = green;
        narrowed[to + 2] = blue;
      }
    }
  }

  #lower(out: Uint8Array): void {
    const { scaledWidth, scaledHeight, inputWidth, padX, padY } = this.#letterbox;
    const { taps, positions, weights } = this.#rows;
    const narrowed = this.#narrowed;
    const rowLength = scaledWidth * 3;
    for (let y = 0; y < scaledHeight; y++) {
      const to = ((y + padY) * inputWidth + padX) * 3;
      for (let x = 0; x < rowLength; x++) {
        let sum = 0.5;
        for (let tap = y * taps; tap < (y + 1) * taps; tap++) {
          sum += weights[tap]! * narrowed[positions[tap]! * rowLength + x]!;
        }
        out[to + x] = sum;
      }
    }
  }
}
