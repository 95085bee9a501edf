import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Canvas, pack } from '../../../src/sim/drawing/canvas.ts';

const WHITE = pack(255, 255, 255);

function fillPoints(canvas: Canvas, points: readonly number[], color = WHITE): void {
  canvas.contour(Float64Array.from(points), points.length / 2);
  canvas.fill(color, 1);
}

function shoelace(points: readonly number[]): number {
  let twice = 0;
  for (let i = 0; i < points.length; i += 2) {
    const j = (i + 2) % points.length;
    twice += points[i]! * points[j + 1]! - points[j]! * points[i + 1]!;
  }
  return Math.abs(twice) / 2;
}

const inside = fc.double({ min: 1, max: 39, noNaN: true });

describe('Canvas', () => {
  it('covers exactly the area of a triangle', () => {
    fc.assert(
      fc.property(fc.tuple(inside, inside, inside, inside, inside, inside), (points) => {
        const canvas = new Canvas(40, 40);
        fillPoints(canvas, points);
        let covered = 0;
        for (const pixel of canvas.pixels) covered += (pixel & 255) / 255;
        // each pixel at the rim is rounded down to 1/256 twice
        expect(Math.abs(covered - shoelace(points))).toBeLessThan(1.5);
      }),
    );
  });

  it('paints a pixel-aligned rectangle exactly, even across the border', () => {
    const corner = fc.integer({ min: -20, max: 60 });
    fc.assert(
      fc.property(
        corner,
        corner,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        (x, y, w, h) => {
          const canvas = new Canvas(40, 30);
          canvas.beginObject(9);
          fillPoints(canvas, [x, y, x + w, y, x + w, y + h, x, y + h]);
          const ids = new Uint8Array(40 * 30);
          for (let row = Math.max(0, y); row < Math.min(30, y + h); row += 1) {
            for (let column = Math.max(0, x); column < Math.min(40, x + w); column += 1)
              ids[row * 40 + column] = 9;
          }
          const owned = ids.reduce((count, id) => count + (id === 9 ? 1 : 0), 0);
          expect(Buffer.compare(canvas.ids, ids)).toBe(0);
          expect(canvas.pixels.every((pixel, at) => pixel === (ids[at] === 9 ? WHITE : 0))).toBe(true);
          expect(canvas.owned).toBe(owned);
          if (owned === 0) return;
          expect([canvas.minX, canvas.minY, canvas.maxX + 1, canvas.maxY + 1]).toEqual([
            Math.max(0, x),
            Math.max(0, y),
            Math.min(40, x + w),
            Math.min(30, y + h),
          ]);
        },
      ),
    );
  });

  it('keeps nothing of one shape in the next', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -80, max: 120, noNaN: true }), { minLength: 6, maxLength: 12 }),
        (numbers) => {
          const points = numbers.slice(0, numbers.length - (numbers.length % 2));
          const canvas = new Canvas(40, 40);
          fillPoints(canvas, points, 0);
          fillPoints(canvas, [10, 10, 20, 10, 20, 20, 10, 20]);
          const lit = canvas.pixels.reduce((count, pixel) => count + (pixel === 0 ? 0 : 1), 0);
          expect(lit).toBe(100);
        },
      ),
    );
  });

  it('cuts a hole with a contour of opposite orientation', () => {
    const canvas = new Canvas(40, 40);
    canvas.contour(Float64Array.from([5, 5, 35, 5, 35, 35, 5, 35]), 4);
    canvas.contour(Float64Array.from([10, 10, 10, 30, 30, 30, 30, 10]), 4);
    canvas.fill(WHITE, 1);
    expect(canvas.pixels[20 * 40 + 20]).toBe(0);
    expect(canvas.pixels[7 * 40 + 7]).toBe(WHITE);
  });

  it('counts a pixel of an object once and keeps owners under overlays', () => {
    const canvas = new Canvas(20, 20);
    canvas.beginObject(1);
    fillPoints(canvas, [0, 0, 10, 0, 10, 10, 0, 10]);
    fillPoints(canvas, [5, 0, 15, 0, 15, 10, 5, 10]);
    expect(canvas.owned).toBe(150);
    canvas.beginObject(2);
    canvas.contour(Float64Array.from([0, 0, 10, 0, 10, 10, 0, 10]), 4);
    canvas.fill(0, 0.5);
    expect(canvas.owned).toBe(0);
    expect(canvas.ids[0]).toBe(1);
  });
});
