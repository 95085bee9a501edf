import type { ImageView, PixelEncoding } from '../frame.ts';
import { needsEvenWidth } from './layout.ts';

/** What a picture looks like as a whole; cheap enough for every frame, and watched for drift. */
export interface FrameStatistics {
  /** mean luma of the sampled pixels, 0..255, full range whatever the encoding */
  readonly brightness: number;
  /**
   * variance of the 4-neighbor Laplacian of full-range luma at the sampled pixels, 0..260100; low where the picture is out of focus,
   * in fog, or behind a dirty lens, high with texture and noise. It depends on resolution: compare a camera with itself only.
   */
  readonly sharpness: number;
}

/** At most this many columns and rows of pixels are looked at, evenly spread, each with its four direct neighbors. */
const GRID_COLUMNS = 128;
const GRID_ROWS = 96;

/** How to read luma: bytes between neighbors, offset of the luma byte, or of red (blue is then 2 - red from the pixel's start). */
interface LumaLayout {
  readonly pitch: number;
  readonly luma: number;
  readonly red: number;
}

const COLOR = -1;

const LUMA: Readonly<Record<PixelEncoding, LumaLayout>> = {
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

/** Luma of the pixel at byte `at`: BT.601 weights in 1/256 for colors, the byte itself for layouts that carry luma. */
function lumaAt(data: Uint8Array, at: number, layout: LumaLayout): number {
  if (layout.luma !== COLOR) return data[at + layout.luma]!;
  const red = layout.red;
  return (77 * data[at + red]! + 150 * data[at + 1]! + 29 * data[at + 2 - red]! + 128) >> 8;
}

/** True for layouts whose luma runs from 16 to 235: those that share color between neighbors. */
function isLimitedRange(encoding: PixelEncoding): boolean {
  return needsEvenWidth(encoding);
}

/**
 * Measures a picture on a grid of at most 128 x 96 of its inner pixels. A picture less than 3 pixels wide or high has no inner pixels:
 * its brightness is that of all pixels, its sharpness 0.
 */
export function measureFrame(view: ImageView): FrameStatistics {
  const { width, height, step, data, encoding } = view;
  const layout = LUMA[encoding];
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
      const luma = lumaAt(data, at, layout);
      lumaSum += luma;
      count++;
      if (inner === 0) continue;
      const edge =
        4 * luma -
        lumaAt(data, at - pitch, layout) -
        lumaAt(data, at + pitch, layout) -
        lumaAt(data, at - step, layout) -
        lumaAt(data, at + step, layout);
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
