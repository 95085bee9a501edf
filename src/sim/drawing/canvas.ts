/**
 * A software rasterizer: antialiased polygons by exact area coverage, written in plain arithmetic without
 * native dependencies, so that a seed yields the same pixels on x64 and arm64. Coordinates are pixels, (0, 0)
 * is the corner of the top-left pixel, y grows downwards.
 *
 * Coverage comes from an accumulation buffer: each edge adds the signed area to its right, cell by cell, and
 * a running sum along the row turns that into coverage. Contours with the opposite orientation cut holes.
 */

/** Minimum coverage (of 256) for a pixel to belong to the object being drawn. */
const OWNED = 128;

/** Packs channels 0..255 as the canvas stores them. */
export function pack(r: number, g: number, b: number): number {
  return (r | (g << 8) | (b << 16)) >>> 0;
}

export class Canvas {
  readonly width: number;
  readonly height: number;
  /** R | G << 8 | B << 16 for each pixel */
  readonly pixels: Uint32Array;
  /** the object that covers the pixel, 0 for scenery */
  readonly ids: Uint8Array;
  /**
   * bounds of the pixels covered by the current object: columns and rows, inclusive; empty while maxX < minX
   */
  minX = 0;
  minY = 0;
  maxX = -1;
  maxY = -1;
  /** number of pixels covered by the current object, each counted once */
  owned = 0;
  /** bounds of the current object's outline, not clipped to the image */
  outlineMinX = 0;
  outlineMinY = 0;
  outlineMaxX = 0;
  outlineMaxY = 0;
  #id = 0;
  readonly #stride: number;
  readonly #cells: Float32Array;
  readonly #rowMin: Int32Array;
  readonly #rowMax: Int32Array;
  #top: number;
  #bottom = -1;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint32Array(width * height);
    this.ids = new Uint8Array(width * height);
    this.#stride = width + 2;
    this.#cells = new Float32Array(this.#stride * height);
    this.#rowMin = new Int32Array(height).fill(this.#stride);
    this.#rowMax = new Int32Array(height).fill(-1);
    this.#top = height;
  }

  /**
   * Starts object `id` (1..255; 0 is scenery, which is not measured). Objects are drawn in order, far to
   * near.
   */
  beginObject(id: number): void {
    this.#id = id;
    this.owned = 0;
    this.minX = this.width;
    this.minY = this.height;
    this.maxX = -1;
    this.maxY = -1;
    this.outlineMinX = Infinity;
    this.outlineMinY = Infinity;
    this.outlineMaxX = -Infinity;
    this.outlineMaxY = -Infinity;
  }

  /** Adds a closed contour of `count` points (x, y pairs in `points`) to the shape that the next `fill` paints. */
  contour(points: Float64Array, count: number): void {
    let x0 = points[2 * count - 2]!;
    let y0 = points[2 * count - 1]!;
    for (let i = 0; i < count; i += 1) {
      const x1 = points[2 * i]!;
      const y1 = points[2 * i + 1]!;
      if (x1 < this.outlineMinX) this.outlineMinX = x1;
      if (x1 > this.outlineMaxX) this.outlineMaxX = x1;
      if (y1 < this.outlineMinY) this.outlineMinY = y1;
      if (y1 > this.outlineMaxY) this.outlineMaxY = y1;
      if (y0 < y1) this.#edge(x0, y0, x1, y1, 1);
      else if (y0 > y1) this.#edge(x1, y1, x0, y0, -1);
      x0 = x1;
      y0 = y1;
    }
  }

  #edge(x0: number, y0: number, x1: number, y1: number, direction: number): void {
    const { height } = this;
    if (y1 <= 0 || y0 >= height) return;
    const slope = (x1 - x0) / (y1 - y0);
    let x = x0;
    let y = y0;
    if (y < 0) {
      x -= y * slope;
      y = 0;
    }
    const end = y1 < height ? y1 : height;
    const first = Math.floor(y);
    const last = Math.ceil(end) - 1;
    if (first < this.#top) this.#top = first;
    if (last > this.#bottom) this.#bottom = last;
    for (let row = first; row <= last; row += 1) {
      const stop = row + 1 < end ? row + 1 : end;
      const dy = stop - y;
      const next = x + slope * dy;
      this.#segment(row, x, next, dy * direction);
      x = next;
      y = stop;
    }
  }

  /** One edge within one row, from column xa to xb, with signed height d. */
  #segment(row: number, xa: number, xb: number, d: number): void {
    const { width } = this;
    const cells = this.#cells;
    let left = xa < xb ? xa : xb;
    let right = xa < xb ? xb : xa;
    if (left < 0) left = 0;
    else if (left > width) left = width;
    if (right < 0) right = 0;
    else if (right > width) right = width;
    const first = Math.floor(left);
    const base = row * this.#stride;
    if (first < this.#rowMin[row]!) this.#rowMin[row] = first;
    if (right <= first + 1) {
      const inner = d * (0.5 * (left + right) - first);
      cells[base + first]! += d - inner;
      cells[base + first + 1]! += inner;
      if (first + 1 > this.#rowMax[row]!) this.#rowMax[row] = first + 1;
      return;
    }
    // the area right of the edge grows quadratically in the first and last cell and linearly in between
    const last = Math.ceil(right) - 1;
    const gain = d / (right - left);
    let before = 0;
    for (let cell = first; cell <= last; cell += 1) {
      const from = cell > left ? cell : left;
      const to = cell + 1 < right ? cell + 1 : right;
      const span = to - from;
      const area = (gain * (from - left) + 0.5 * gain * span) * span + (cell + 1 - to) * d;
      cells[base + cell]! += area - before;
      before = area;
    }
    cells[base + last + 1]! += d - before;
    if (last + 1 > this.#rowMax[row]!) this.#rowMax[row] = last + 1;
  }

  /**
   * Paints the contours added since the last call and clears them.
   * @param color packed with `pack`
   * @param alpha 0..1; below 1, the color is an overlay and the pixels keep their owner
   */
  fill(color: number, alpha: number): void {
    const { width } = this;
    const cells = this.#cells;
    const scale = alpha * 256;
    for (let row = this.#top; row <= this.#bottom; row += 1) {
      const to = this.#rowMax[row]!;
      let x = this.#rowMin[row]!;
      if (to < x) continue;
      this.#rowMin[row] = this.#stride;
      this.#rowMax[row] = -1;
      const base = row * this.#stride;
      const end = to < width ? to : width - 1;
      let sum = 0;
      while (x <= end) {
        const start = x;
        sum += cells[base + x]!;
        cells[base + x] = 0;
        x += 1;
        // coverage is constant up to the next cell that an edge touched
        while (x <= end && cells[base + x] === 0) x += 1;
        const area = sum < 0 ? -sum : sum;
        const cover = area >= 0.998 ? scale : area * scale;
        if (cover >= 1) this.#run(row, start, x, color, cover, alpha >= 1);
      }
      for (; x <= to; x += 1) cells[base + x] = 0;
    }
    this.#top = this.height;
    this.#bottom = -1;
  }

  /** Paints columns from..to-1 of a row with the same coverage (`cover` of 256). */
  #run(row: number, from: number, to: number, color: number, cover: number, owns: boolean): void {
    const { pixels, ids } = this;
    const start = row * this.width + from;
    const end = row * this.width + to;
    if (cover >= 256) {
      if (to - from > 12) pixels.fill(color, start, end);
      else for (let at = start; at < end; at += 1) pixels[at] = color;
    } else {
      const c = cover | 0;
      const red = color & 255;
      const green = (color >>> 8) & 255;
      const blue = (color >>> 16) & 255;
      for (let at = start; at < end; at += 1) {
        const under = pixels[at]!;
        const r = under & 255;
        const g = (under >>> 8) & 255;
        const b = (under >>> 16) & 255;
        pixels[at] =
          (r + (((red - r) * c) >> 8)) |
          ((g + (((green - g) * c) >> 8)) << 8) |
          ((b + (((blue - b) * c) >> 8)) << 16);
      }
    }
    if (!owns || cover < OWNED) return;
    const id = this.#id;
    if (id === 0) {
      if (to - from > 12) ids.fill(0, start, end);
      else for (let at = start; at < end; at += 1) ids[at] = 0;
      return;
    }
    let fresh = 0;
    for (let at = start; at < end; at += 1) {
      if (ids[at] === id) continue;
      ids[at] = id;
      fresh += 1;
    }
    if (fresh === 0) return;
    this.owned += fresh;
    if (from < this.minX) this.minX = from;
    if (to - 1 > this.maxX) this.maxX = to - 1;
    if (row < this.minY) this.minY = row;
    if (row > this.maxY) this.maxY = row;
  }

  /** Adds light in a disc that fades towards its rim. `strength` is 0..1; owners do not change. */
  glow(cx: number, cy: number, radius: number, color: number, strength: number): void {
    const { width, height, pixels } = this;
    const x0 = Math.max(0, Math.floor(cx - radius));
    const x1 = Math.min(width - 1, Math.ceil(cx + radius));
    const y0 = Math.max(0, Math.floor(cy - radius));
    const y1 = Math.min(height - 1, Math.ceil(cy + radius));
    const inverse = 1 / (radius * radius);
    const red = (color & 255) * strength;
    const green = ((color >>> 8) & 255) * strength;
    const blue = ((color >>> 16) & 255) * strength;
    for (let y = y0; y <= y1; y += 1) {
      for (let x = x0; x <= x1; x += 1) {
        const d = ((x + 0.5 - cx) * (x + 0.5 - cx) + (y + 0.5 - cy) * (y + 0.5 - cy)) * inverse;
        if (d >= 1) continue;
        const fade = (1 - d) * (1 - d);
        const under = pixels[y * width + x]!;
        const r = Math.min(255, (under & 255) + red * fade) | 0;
        const g = Math.min(255, ((under >>> 8) & 255) + green * fade) | 0;
        const b = Math.min(255, ((under >>> 16) & 255) + blue * fade) | 0;
        pixels[y * width + x] = r | (g << 8) | (b << 16);
      }
    }
  }
}
