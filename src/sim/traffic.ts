import { createRandom, type Random } from '../core/random.ts';
import { footprintOf, type Drawable, type DrawablePart } from './drawable.ts';
import type { Painter } from './drawing/painter.ts';
import { paintBus, sampleBus } from './shapes/bus.ts';
import { paintCar, sampleCar } from './shapes/car.ts';
import { paintPerson, paintRider, samplePerson } from './shapes/person.ts';
import { paintTruck, sampleTruck, truckLength } from './shapes/truck.ts';
import {
  bicycleSeat,
  motorcycleSeat,
  paintBicycle,
  paintMotorcycle,
  sampleBicycle,
  sampleMotorcycle,
} from './shapes/two-wheelers.ts';

export type VehicleKind = 'car' | 'bus' | 'truck' | 'motorcycle' | 'bicycle';

/** The appearance of a vehicle, without a position. */
export interface Vehicle {
  readonly kind: VehicleKind;
  readonly length: number;
  readonly halfWidth: number;
  readonly parts: readonly DrawablePart[];
}

/**
 * The mix of moving traffic. Rare classes are more frequent than on a real street, so that each is learned.
 */
export function sampleKind(random: Random): VehicleKind {
  const n = random.next();
  if (n < 0.38) return 'car';
  if (n < 0.53) return 'bus';
  if (n < 0.7) return 'truck';
  return n < 0.86 ? 'motorcycle' : 'bicycle';
}

/** @param ridden whether a two-wheeler has a rider */
export function sampleVehicle(kind: VehicleKind, ridden: boolean, random: Random): Vehicle {
  switch (kind) {
    case 'car': {
      const look = sampleCar(random);
      const paint = (painter: Painter): void => paintCar(painter, look, painter.atmosphere.lamps);
      return {
        kind,
        length: look.length,
        halfWidth: look.halfWidth,
        parts: [{ label: 'car', height: look.roof, paint }],
      };
    }
    case 'bus': {
      const look = sampleBus(random);
      const paint = (painter: Painter): void => paintBus(painter, look, painter.atmosphere.lamps);
      return { kind, length: look.length, halfWidth: 1.25, parts: [{ label: 'bus', height: 3.05, paint }] };
    }
    case 'truck': {
      const look = sampleTruck(random);
      const paint = (painter: Painter): void => paintTruck(painter, look, painter.atmosphere.lamps);
      return {
        kind,
        length: truckLength(look),
        halfWidth: 1.22,
        parts: [{ label: 'truck', height: 3, paint }],
      };
    }
    case 'motorcycle': {
      const look = sampleMotorcycle(random);
      const rider = samplePerson(random);
      const seat = motorcycleSeat(random.pick([0x1c1c20, 0xc82020, 0xe8e8e8, 0x2050b0, 0xe0a020] as const));
      const paint = (painter: Painter): void => paintMotorcycle(painter, look, painter.atmosphere.lamps);
      const machine: DrawablePart = { label: 'motorcycle', height: 1.1, paint };
      const human: DrawablePart = {
        label: 'person',
        height: 1.3,
        paint: (painter, t) => paintRider(painter, rider, seat, t),
      };
      return { kind, length: 2.1, halfWidth: 0.36, parts: ridden ? [machine, human] : [machine] };
    }
    case 'bicycle': {
      const look = sampleBicycle(random);
      const rider = samplePerson(random);
      const seat = bicycleSeat(
        random.chance(0.5) ? random.pick([0xe8e8e8, 0xd03020, 0x2060c0, 0xf0d020] as const) : undefined,
      );
      const machine: DrawablePart = {
        label: 'bicycle',
        height: 1.08,
        paint: (painter) => paintBicycle(painter, look),
      };
      const human: DrawablePart = {
        label: 'person',
        height: 1.4,
        paint: (painter, t) => paintRider(painter, rider, seat, t),
      };
      return { kind, length: 1.75, halfWidth: 0.3, parts: ridden ? [machine, human] : [machine] };
    }
  }
}

/** Places a vehicle on the ground. */
export function placeVehicle(vehicle: Vehicle, x: number, z: number, heading: number): Drawable {
  const { kind, halfWidth, length, parts } = vehicle;
  return {
    parts,
    x,
    y: 0,
    z,
    heading,
    footprint: footprintOf(x, z, halfWidth, length / 2, heading),
    solid: true,
    nearest: kind === 'bicycle' || kind === 'motorcycle' ? 2.2 : -length / 2,
    shadow: [halfWidth + 0.1, length / 2 + 0.1],
  };
}

/** Places a pedestrian with an appearance from `seed`; `stride` 0 stands .. 1 walks. */
export function placePerson(seed: number, x: number, z: number, heading: number, stride: number): Drawable {
  const look = samplePerson(createRandom(seed));
  const part: DrawablePart = {
    label: 'person',
    height: look.height,
    paint: (painter, t) => paintPerson(painter, look, stride, t),
  };
  return {
    parts: [part],
    x,
    y: 0,
    z,
    heading,
    footprint: footprintOf(x, z, 0.25, 0.25, 0),
    solid: true,
    nearest: 1.9,
    shadow: [0.3, 0.3],
  };
}
