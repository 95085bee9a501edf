import type { ImageView } from '../image/image-view.ts';
import { PIXEL_LAYOUTS, planeRows } from '../image/layout.ts';
import { refuse, type Refusal } from '../refusal.ts';
import { refuseSize } from './limits.ts';

/**
 * Refuses a raw image whose size, encoding, step and data disagree; `undefined` if every pixel that they promise is
 * there. The data must be exactly step * rows bytes (one and a half times the height for `nv12`, `nv21` and `i420`):
 * too many bytes are as much a sign of a wrong header as too few. A valid image costs no memory.
 */
export function refuseRaw(image: ImageView): Refusal | undefined {
  const { width, height, encoding, step, data } = image;
  const badSize = refuseSize(width, height);
  if (badSize !== undefined) return badSize;
  const { bytes, sharesColumns, sharesRows, minSide } = PIXEL_LAYOUTS[encoding];
  if ((sharesColumns && width % 2 !== 0) || (sharesRows && height % 2 !== 0)) {
    return refuse(
      'bad_size',
      `${encoding} shares color between neighboring pixels and cannot be ${width}x${height}`,
    );
  }
  if (width < minSide || height < minSide) {
    return refuse('bad_size', `${encoding} of ${width}x${height} is too small to interpolate colors`);
  }
  const needed = bytes * width;
  // a step that is not a whole number comes from code, not from messages
  if (!(step >= needed) || !Number.isInteger(step)) {
    return refuse(
      'malformed',
      `step is ${step}, a row of ${width} pixels in ${encoding} takes ${needed} bytes`,
    );
  }
  if (encoding === 'i420' && step % 2 !== 0) {
    return refuse(
      'malformed',
      `step is ${step}, but half of it, the chroma step of i420, is not a whole number`,
    );
  }
  const size = step * planeRows(encoding, height);
  if (data.byteLength !== size) {
    return refuse(
      'malformed',
      `data has ${data.byteLength} bytes, ${width}x${height} ${encoding} of step ${step} has ${size}`,
    );
  }
  return undefined;
}
