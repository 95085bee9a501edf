import { BAYER_ENCODINGS, type BayerEncoding, type ImageView, type PixelEncoding } from '../frame.ts';
import { isBayer, MOSAICS, type Mosaic } from './bayer.ts';
import { needsEvenWidth } from './layout.ts';

/** What an image looks like as a whole; cheap enough for every frame, and watched for drift. */
export interface FrameStatistics {
  /** mean luma of the sampled pixels, 0..255, full range whatever the encoding */
  readonly brightness: number;
  /**
   * variance of the 4-neighbor Laplacian of full-range luma at the sampled pixels, 0..260100; low where the
   * image is out of focus, in fog, or behind a dirty lens, high with texture and noise. It depends on
   * resolution: compare a camera with itself only.
   */
  readonly sharpness: number;
}

/** At most this many columns and rows of pixels are looked at, evenly spread, each with its four direct neighbors. */
const GRID_COLUMNS = 128;
const GRID_ROWS = 96;

/**
 * How to read luma: bytes between neighbors, offset of the luma byte, or of red (blue is then 2 - red from
 * the pixel's start).
 */
interface LumaLayout {
  readonly pitch: number;
  readonly luma: number;
  readonly red: number;
  /** cells of two by two samples, each of which counts as one pixel */
  readonly mosaic?: Mosaic;
}

const COLOR = -1;

const LUMA: Readonly<Record<Exclude<PixelEncoding, BayerEncoding>, LumaLayout>> = {
  rgb8: { pitch: 3, luma: COLOR, red: 0 },
  bgr8: { pitch: 3, luma: COLOR, red: 2 },
  rgba8: { pitch: 4, luma: COLOR, red: 0 },
  bgra8: { pitch: 4, luma: COLOR, red: 2 },
  mono8: { pitch: 1, luma: 0, red: 0 },
  mono16: { pitch: 2, luma: 1, red: 0 },
  mono16be: { pitch: 2, luma: 0, red: 0 },
  uyvy: { pitch: 2, luma: 1, red: 0 },
  yuyv: { pitch: 2, luma: 0, red: 0 },
  nv12: { pitch: 1, luma: 0, red: 0 },
  nv21: { pitch: 1, luma: 0, red: 0 },
  i420: { pitch: 1, luma: 0, red: 0 },
};

/** A mosaic is looked at cell by cell: two neighbors of it differ in color, however even the image is. */
function cellsOf(encoding: BayerEncoding): LumaLayout {
  const mosaic = MOSAICS[encoding];
  return { pitch: 2 * mosaic.bytes, luma: COLOR, red: 0, mosaic };
}

const CELLS = Object.fromEntries(
  BAYER_ENCODINGS.map((encoding) => [encoding, cellsOf(encoding)]),
) as Readonly<Record<BayerEncoding, LumaLayout>>;

/** Luma of a cell by the weights of a color pixel, green in equal parts from both of its samples. */
function cellLuma(data: Uint8Array, at: number, { redX, redY, bytes, high }: Mosaic, step: number): number {
  const first = at + high;
  const red = data[first + redX * bytes + redY * step]!;
  const blue = data[first + (1 - redX) * bytes + (1 - redY) * step]!;
  const greens =
    data[first + (1 - redX) * bytes + redY * step]! + data[first + redX * bytes + (1 - redY) * step]!;
  return (77 * red + 75 * greens + 29 * blue + 128) >> 8;
}

/**
 * Luma of the pixel at byte `at`: BT.601 weights in 1/256 for colors, the byte itself for layouts that carry luma.
 * @param step of the image, for a mosaic
 */
function lumaAt(data: Uint8Array, at: number, layout: LumaLayout, step: number): number {
  if (layout.mosaic !== undefined) return cellLuma(data, at, layout.mosaic, step);
  if (layout.luma !== COLOR) return data[at + layout.luma]!;
  const red = layout.red;
  return (77 * data[at + red]! + 150 * data[at + 1]! + 29 * data[at + 2 - red]! + 128) >> 8;
}

/** True for layouts whose luma runs from 16 to 235: those that share color between neighbors. */
function isLimitedRange(encoding: PixelEncoding): boolean {
  return needsEvenWidth(encoding);
}

/**
 * Measures an image on a grid of at most 128 x 96 of its inner pixels. An image less than 3 pixels wide or
 * high has no inner pixels: its brightness is that of all pixels, its sharpness 0. A mosaic, which has three
 * at the least, counts as an image of half its width and height.
 */
export function measureFrame(view: ImageView): FrameStatistics {
  const { data, encoding } = view;
  const layout = isBayer(encoding) ? CELLS[encoding] : LUMA[encoding];
  const samples = isBayer(encoding) ? 2 : 1;
  const width = Math.floor(view.width / samples);
  const height = Math.floor(view.height / samples);
  const step = view.step * samples;
  const { pitch } = layout;
  const inner = width >= 3 && height >= 3 ? 1 : 0;
  const strideX = Math.ceil(width / GRID_COLUMNS);
  const strideY = Math.ceil(height / GRID_ROWS);
  let count = 0;
  let lumaSum = 0;
  let edgeSum = 0;
  let edgeSquares = 0;
  for (let y = inner; y < height - inner; y += strideY) {
    for (let x = inner; x < width - inner; x += strideX) {
      const at = y * step + x * pitch;
      const luma = lumaAt(data, at, layout, view.step);
      lumaSum += luma;
      count++;
      if (inner === 0) continue;
      const edge =
        4 * luma -
        lumaAt(data, at - pitch, layout, view.step) -
        lumaAt(data, at + pitch, layout, view.step) -
        lumaAt(data, at - step, layout, view.step) -
        lumaAt(data, at + step, layout, view.step);
      edgeSum += edge;
      edgeSquares += edge * edge;
    }
  }
  const gain = isLimitedRange(encoding) ? 255 / 219 : 1;
  const black = isLimitedRange(encoding) ? 16 : 0;
  const brightness = Math.min(255, Math.max(0, (lumaSum / count - black) * gain));
  const mean = edgeSum / count;
  return { brightness, sharpness: (edgeSquares / count - mean * mean) * gain * gain };
}
