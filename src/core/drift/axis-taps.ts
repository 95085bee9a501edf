import { averagingSpan } from '../image/averaging-grid.ts';

/**
 * For each sampled pixel of one axis, the two source positions that it is interpolated between, and the weight of the
 * second. Taps of a second grid, if two are averaged, follow those of the first.
 */
export class AxisTaps {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly weight: Float32Array;
  readonly #stride: number;

  /** @param stride what a source position is multiplied by: the bytes of a pixel, or 1 */
  constructor(count: number, stride: number) {
    this.lower = new Int32Array(2 * count);
    this.upper = new Int32Array(2 * count);
    this.weight = new Float32Array(2 * count);
    this.#stride = stride;
  }

  /**
   * Positions as the graph's resize has them (`model/onnx/raw-input.ts`).
   * @param pixels sampled pixels of the scaled image
   */
  fill(pixels: Int32Array, source: number, scaled: number, averages: boolean): void {
    if (averages) {
      this.#fillGrid(0, pixels, source, scaled, averagingSpan(source, scaled, -1));
      this.#fillGrid(pixels.length, pixels, source, scaled, averagingSpan(source, scaled, 1));
      return;
    }
    const first = (source / scaled - 1) / 2;
    this.#fillGrid(0, pixels, source, scaled, [first, source - 1 - first]);
  }

  #fillGrid(
    start: number,
    pixels: Int32Array,
    source: number,
    scaled: number,
    [first, last]: readonly [number, number],
  ): void {
    const step = scaled > 1 ? (last - first) / (scaled - 1) : 0;
    for (let i = 0; i < pixels.length; i++) {
      const at = Math.min(source - 1, Math.max(0, first + pixels[i]! * step));
      const lower = Math.floor(at);
      this.lower[start + i] = lower * this.#stride;
      this.upper[start + i] = Math.min(source - 1, lower + 1) * this.#stride;
      this.weight[start + i] = at - lower;
    }
  }
}
