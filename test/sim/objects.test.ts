import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { atmosphereOf } from '../../src/sim/drawing/atmosphere.ts';
import { Canvas } from '../../src/sim/drawing/canvas.ts';
import { CLEAR_DAY } from '../../src/sim/drawing/conditions.ts';
import { footprintOf, sortForPainting, withoutCollisions, type Drawable } from '../../src/sim/drawable.ts';
import { Painter } from '../../src/sim/drawing/painter.ts';
import { placePerson, placeVehicle, sampleVehicle, type VehicleKind } from '../../src/sim/traffic.ts';

const WIDTH = 400;
const HEIGHT = 300;
const CAMERA = { x: 0, y: 1.5, z: 0, yaw: 0, horizon: 0, focal: 300, roll: 0 };
const AIR = atmosphereOf({ ...CLEAR_DAY, light: 0.9 }, 0);

/** Bounds of the pixels that painting changed, found by comparison and not from the canvas' own bookkeeping. */
function paintAlone(drawable: Drawable, part: number): { bounds: number[]; claimed: number[] } {
  const canvas = new Canvas(WIDTH, HEIGHT);
  canvas.pixels.fill(0x00ff00);
  const painter = new Painter(canvas, CAMERA, AIR, 1);
  painter.place(drawable.x, drawable.y, drawable.z, drawable.heading);
  canvas.beginObject(1);
  drawable.parts[part]!.paint(painter, 0);
  const bounds = [WIDTH, HEIGHT, -1, -1];
  canvas.pixels.forEach((pixel, at) => {
    if (pixel === 0x00ff00) return;
    const x = at % WIDTH;
    const y = Math.floor(at / WIDTH);
    bounds[0] = Math.min(bounds[0]!, x);
    bounds[1] = Math.min(bounds[1]!, y);
    bounds[2] = Math.max(bounds[2]!, x);
    bounds[3] = Math.max(bounds[3]!, y);
  });
  return { bounds, claimed: [canvas.minX, canvas.minY, canvas.maxX, canvas.maxY] };
}

describe('boxes of single objects', () => {
  const kinds: VehicleKind[] = ['car', 'bus', 'truck', 'motorcycle', 'bicycle'];
  it.each(kinds)('of a %s tightly enclose the pixels it changes, from every side', (kind) => {
    for (let turn = 0; turn < 8; turn += 1) {
      const vehicle = sampleVehicle(kind, true, createRandom(turn));
      const drawable = placeVehicle(vehicle, 0.6, 14, turn * 0.785);
      vehicle.parts.forEach((_, part) => {
        const { bounds, claimed } = paintAlone(drawable, part);
        // a pixel at the rim belongs to the box if the object covers half of it: a difference of at most one pixel, or
        // two for thin tips
        bounds.forEach((value, side) => expect(Math.abs(value - claimed[side]!)).toBeLessThanOrEqual(2));
      });
    }
  });

  it('of a person touch the ground and are as tall as the person', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const { claimed } = paintAlone(placePerson(seed, 0, 10, seed, 1), 0);
      const [, top, , bottom] = claimed;
      // feet at y = 0 lie 1.5 m below the camera's height, at 10 m
      expect(Math.abs(bottom! - (HEIGHT / 2 + (1.5 * 300) / 10))).toBeLessThan(4);
      const meters = ((bottom! + 1 - top!) / 300) * 10;
      expect(meters).toBeGreaterThan(1.1);
      expect(meters).toBeLessThan(2.1);
    }
  });
});

describe('placed objects', () => {
  const car = sampleVehicle('car', true, createRandom(1));
  const none = footprintOf(500, 500, 1, 1, 0);

  it('are skipped if they overlap another one or the camera', () => {
    const first = placeVehicle(car, 0, 20, 0);
    const second = placeVehicle(car, 0.5, 22, 0);
    const apart = placeVehicle(car, 5, 20, 0);
    expect(withoutCollisions([first, second, apart], none)).toEqual([first, apart]);
    expect(withoutCollisions([first, apart], footprintOf(0, 20, 1, 1, 0))).toEqual([apart]);
  });

  it('are painted far to near, long ones relative to their neighbors', () => {
    const bus = placeVehicle(sampleVehicle('bus', true, createRandom(2)), 4, 10, 0);
    const behindBus = placePerson(1, 7, 7, 0, 0);
    const beforeBus = placePerson(2, 1, 12, 0, 0);
    const far = placePerson(3, 0, 40, 0, 0);
    const sorted = sortForPainting([beforeBus, bus, behindBus, far], 0);
    expect(sorted.indexOf(far)).toBe(0);
    expect(sorted.indexOf(behindBus)).toBeLessThan(sorted.indexOf(bus));
    expect(sorted.indexOf(bus)).toBeLessThan(sorted.indexOf(beforeBus));
  });
});
