import { refuse, type Refusal } from '../refusal.ts';

/**
 * Maximum pixels per side: that of the largest sensors at video rate (8192 for a line of 8K DCI), and small enough for
 * every product of step and rows to be exact in a double.
 */
export const MAX_SIDE = 8192;

/**
 * Maximum pixels of an image: 8K UHD, 7680 x 4320. That is 100 MB as RGB, 133 MB with alpha. A camera has at most one
 * image at the gate and one in front of the engine, besides those in it: 400 MB in the worst case, which fits a device
 * with 4 GB.
 */
export const MAX_PIXELS = 7680 * 4320;

/** Refuses a size that no frame may have; `undefined` if it is within the limits. */
export function refuseSize(width: number, height: number): Refusal | undefined {
  if (width === 0 || height === 0) return refuse('bad_size', `an image of ${width}x${height} has no pixels`);
  // sides that are not whole numbers come from code, not from messages
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0))
    return refuse('bad_size', `${width}x${height} is not the size of an image`);
  if (width > MAX_SIDE || height > MAX_SIDE)
    return refuse('bad_size', `an image of ${width}x${height} has a side of more than ${MAX_SIDE} pixels`);
  if (width * height > MAX_PIXELS)
    return refuse('bad_size', `an image of ${width}x${height} has more than ${MAX_PIXELS} pixels`);
  return undefined;
}
