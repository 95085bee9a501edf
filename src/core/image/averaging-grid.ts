/** Distance in pixels of a grid from the border, so that rounding never puts its last column beyond it. */
const SAFE_MARGIN = 1e-3;

/**
 * Where one of the two grids lies that are averaged when a frame shrinks inside a graph: its first and last position on
 * an axis, in source pixels. The grid of pixel centers is shifted by a quarter of its spacing, down for `direction` -1
 * and up for 1, but not beyond the outermost pixel.
 * @param source pixels of the frame on this axis, >= 1
 * @param scaled pixels of the result, >= 1
 */
export function averagingSpan(
  source: number,
  scaled: number,
  direction: -1 | 1,
): readonly [first: number, last: number] {
  const spacing = source / scaled;
  const first = (spacing - 1) / 2;
  const shift = direction * Math.min(spacing / 4, Math.max(0, first - SAFE_MARGIN));
  return [Math.max(0, first + shift), Math.min(source - 1, source - 1 - first + shift)];
}
