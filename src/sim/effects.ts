import { createRandom, type Random } from '../core/random.ts';
import type { Canvas } from './drawing/canvas.ts';
import type { Conditions } from './drawing/conditions.ts';
import { clamp } from './drawing/exact-math.ts';

/**
 * Size of a table of bell-shaped values around 0 with standard deviation 32, read from a random offset for
 * each row.
 */
const NOISE_SIZE = 1 << 16;
let noiseTable: Int8Array | undefined;

function noise(): Int8Array {
  if (noiseTable !== undefined) return noiseTable;
  const random = createRandom(0x6e6f697365);
  const table = new Int8Array(NOISE_SIZE);
  for (let i = 0; i < NOISE_SIZE; i += 1) table[i] = clamp(Math.round(random.bell() * 32), -127, 127);
  noiseTable = table;
  return table;
}

/** Streaks of falling rain across the image. */
export function drawRain(canvas: Canvas, rain: number, random: Random): void {
  if (rain <= 0) return;
  const { width, height } = canvas;
  const unit = height / 360;
  const streaks = Math.round(260 * rain * (width / height) * (9 / 16));
  const slant = random.range(-0.15, 0.25);
  const points = new Float64Array(8);
  for (let i = 0; i < streaks; i += 1) {
    const x = random.range(-10, width + 10);
    const y = random.range(-20, height);
    const near = random.next();
    const length = (8 + 26 * near) * unit;
    const thick = (0.35 + 0.5 * near) * unit;
    points.set([x, y, x + thick, y, x + thick + slant * length, y + length, x + slant * length, y + length]);
    canvas.contour(points, 4);
    canvas.fill(0xd8d0cc, 0.12 + 0.25 * near * rain);
  }
}

/** Two box filters in sequence, rows then columns. */
export function blurCanvas(canvas: Canvas, blur: number): void {
  const radius = blur * 3.2 * (canvas.height / 360);
  if (radius < 0.15) return;
  const { width, height, pixels } = canvas;
  const line = new Uint32Array(Math.max(width, height));
  for (let y = 0; y < height; y += 1) blurLine(pixels, y * width, 1, width, radius, line);
  for (let x = 0; x < width; x += 1) blurLine(pixels, x, width, height, radius, line);
}

/**
 * A box of fractional radius: pixels within floor(radius) have full weight, the next ones the remainder.
 * Weights are 16-bit integers, so that sums are exact.
 */
function blurLine(
  pixels: Uint32Array,
  start: number,
  stride: number,
  count: number,
  radius: number,
  line: Uint32Array,
): void {
  for (let i = 0; i < count; i += 1) line[i] = pixels[start + i * stride]!;
  const whole = Math.floor(radius);
  const rest = Math.round((radius - whole) * 256);
  const inverse = 1 / (256 * (2 * whole + 1) + 2 * rest);
  let r = 0;
  let g = 0;
  let b = 0;
  const last = count - 1;
  for (let k = -whole; k <= whole; k += 1) {
    const p = line[k < 0 ? 0 : k > last ? last : k]!;
    r += p & 255;
    g += (p >>> 8) & 255;
    b += (p >>> 16) & 255;
  }
  for (let i = 0; i < count; i += 1) {
    const before = i - whole - 1;
    const after = i + whole + 1;
    const p = line[before < 0 ? 0 : before]!;
    const q = line[after > last ? last : after]!;
    const red = (r * 256 + ((p & 255) + (q & 255)) * rest) * inverse;
    const green = (g * 256 + (((p >>> 8) & 255) + ((q >>> 8) & 255)) * rest) * inverse;
    const blue = (b * 256 + (((p >>> 16) & 255) + ((q >>> 16) & 255)) * rest) * inverse;
    pixels[start + i * stride] = (red & 255) | ((green & 255) << 8) | ((blue & 255) << 16);
    const out = line[i - whole < 0 ? 0 : i - whole]!;
    r += (q & 255) - (out & 255);
    g += ((q >>> 8) & 255) - ((out >>> 8) & 255);
    b += ((q >>> 16) & 255) - ((out >>> 16) & 255);
  }
}

/**
 * Soft specks that darken or brighten. They are on the lens, so `random` must be the same for every frame of
 * a world.
 */
export function drawDirt(canvas: Canvas, dirt: number, random: Random): void {
  if (dirt <= 0) return;
  const { width, height, pixels } = canvas;
  const specks = Math.round(4 + 26 * dirt);
  for (let i = 0; i < specks; i += 1) {
    const cx = random.range(0, width);
    const cy = random.range(0, height);
    const radius = random.range(0.012, 0.07) * height * (0.6 + 0.6 * dirt);
    const strength = random.range(0.25, 0.75) * (0.4 + 0.6 * dirt);
    const tone = random.chance(0.75) ? random.range(40, 90) : random.range(150, 190);
    const inverse = 1 / (radius * radius);
    const x0 = Math.max(0, Math.floor(cx - radius));
    const x1 = Math.min(width - 1, Math.ceil(cx + radius));
    const y1 = Math.min(height - 1, Math.ceil(cy + radius));
    for (let y = Math.max(0, Math.floor(cy - radius)); y <= y1; y += 1) {
      for (let x = x0; x <= x1; x += 1) {
        const d = ((x + 0.5 - cx) * (x + 0.5 - cx) + (y + 0.5 - cy) * (y + 0.5 - cy)) * inverse;
        if (d >= 1) continue;
        const a = strength * (1 - d * d);
        const p = pixels[y * width + x]!;
        const r = (p & 255) + (tone - (p & 255)) * a;
        const g = ((p >>> 8) & 255) + (tone * 0.95 - ((p >>> 8) & 255)) * a;
        const b = ((p >>> 16) & 255) + (tone * 0.85 - ((p >>> 16) & 255)) * a;
        pixels[y * width + x] = (r & 255) | ((g & 255) << 8) | ((b & 255) << 16);
      }
    }
  }
}

/** Unpacks the canvas to rgb8 with sensor noise. */
export function develop(canvas: Canvas, conditions: Conditions, random: Random, rgb: Uint8Array): void {
  const { width, height, pixels } = canvas;
  const table = noise();
  // the table's standard deviation is 32, full noise is 24 gray levels; 8 fractional bits
  const gain = Math.round(conditions.noise * 24 * 8);
  const mask = NOISE_SIZE - 1;
  let out = 0;
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    let n = Math.floor(random.next() * NOISE_SIZE);
    for (let x = 0; x < width; x += 1) {
      const p = pixels[at]!;
      at += 1;
      const r = (p & 255) + ((table[n & mask]! * gain) >> 8);
      const g = ((p >>> 8) & 255) + ((table[(n + 1) & mask]! * gain) >> 8);
      const b = ((p >>> 16) & 255) + ((table[(n + 2) & mask]! * gain) >> 8);
      n += 3;
      rgb[out] = r < 0 ? 0 : r > 255 ? 255 : r;
      rgb[out + 1] = g < 0 ? 0 : g > 255 ? 255 : g;
      rgb[out + 2] = b < 0 ? 0 : b > 255 ? 255 : b;
      out += 3;
    }
  }
}
