import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelPlaces, type Place } from '../../../src/core/render/label-places.ts';

const FRAME = { width: 200, height: 100 };

function overlap(one: Place, other: Place): number {
  const width = Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left);
  const height = Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
  return Math.max(0, width) * Math.max(0, height);
}

describe('LabelPlaces', () => {
  it('puts a label above its box, then inside, then below, then nowhere', () => {
    const places = new LabelPlaces(FRAME);
    const box = { x1: 20, y1: 40, y2: 70 };
    expect(places.find(box, 50, 10)).toEqual({ left: 20, top: 30, width: 50, height: 10 });
    expect(places.find(box, 50, 10)).toMatchObject({ left: 20, top: 40 });
    expect(places.find(box, 50, 10)).toMatchObject({ left: 20, top: 70 });
    expect(places.find(box, 50, 10)).toBeNull();
    // touching does not count as covering
    expect(places.find({ x1: 70, y1: 40, y2: 70 }, 50, 10)).toMatchObject({ left: 70, top: 30 });
  });

  it('keeps labels of boxes at the border inside the image', () => {
    const places = new LabelPlaces(FRAME);
    expect(places.find({ x1: 190, y1: 2, y2: 99 }, 50, 10)).toMatchObject({ left: 150, top: 0 });
    expect(places.find({ x1: -5, y1: 95, y2: 100 }, 50, 10)).toMatchObject({ left: 0, top: 85 });
  });

  it('law: no label covers another, and none leaves the image', () => {
    const number = fc.double({ min: -50, max: 250 });
    const box = fc.record({ x1: number, y1: number, y2: number });
    fc.assert(
      fc.property(fc.array(box, { maxLength: 40 }), (boxes) => {
        const places = new LabelPlaces(FRAME);
        const found = boxes.flatMap((one) => places.find(one, 40, 12) ?? []);
        found.forEach((one, i) => {
          expect(one.left >= 0 && one.left + one.width <= FRAME.width).toBe(true);
          expect(one.top >= 0 && one.top + one.height <= FRAME.height).toBe(true);
          for (const other of found.slice(0, i)) expect(overlap(one, other)).toBeLessThan(1e-9);
        });
      }),
    );
  });
});
