/** How large an image may be. */
export interface ImageLimits {
  /** most pixels (width * height) */
  readonly maxPixels: number;
}

/** 4096 x 4096: above any camera at 30 frames a second, far below what would exhaust a small device's memory. */
export const DEFAULT_IMAGE_LIMITS: ImageLimits = { maxPixels: 4096 * 4096 };

/** Says what is wrong with the size of an image; `undefined` where it is within the limits. */
export function findSizeProblem(width: number, height: number, limits: ImageLimits): string | undefined {
  const pixels = width * height;
  if (pixels === 0) return `an image of ${width}x${height} has no pixels`;
  if (pixels > limits.maxPixels)
    return `an image of ${width}x${height} has more than ${limits.maxPixels} pixels`;
  return undefined;
}
