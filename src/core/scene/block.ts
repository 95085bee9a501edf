import { createRandom, mixSeeds, type Random } from '../random.ts';
import { BLOCK_LENGTH, CROSSING } from './block-size.ts';
import { scenery, type Drawable } from './drawable.ts';
import { wrap } from './exact-math.ts';
import type { Street } from './street.ts';
import {
  paintBuilding,
  paintFurniture,
  paintLampPost,
  paintTree,
  sampleBuilding,
  sampleTree,
} from './shapes/scenery.ts';
import {
  paintOtherSign,
  paintStopSign,
  paintTrafficLight,
  STOP_SIGN_RADIUS,
  TRAFFIC_LIGHT_HEIGHT,
  type TrafficLightLook,
} from './shapes/signals.ts';
import { placePerson, placeVehicle, sampleKind, sampleVehicle, type Vehicle } from './traffic.ts';

const QUARTER = 1.5707963267948966;

interface Walker {
  readonly seed: number;
  readonly x: number;
  readonly z: number;
  readonly speed: number;
  /** radians; walkers along the road have 0 or half a turn */
  readonly heading: number;
}

interface CrossCar {
  readonly vehicle: Vehicle;
  readonly start: number;
  readonly speed: number;
  readonly z: number;
}

/** What a block holds: things that stay, and things that move within it. */
export interface Block {
  readonly still: readonly Drawable[];
  readonly walkers: readonly Walker[];
  readonly crossers: readonly Walker[];
  readonly cross: readonly CrossCar[];
}

/** Block `index` of the world with this seed: always the same for the same numbers. */
export function buildBlock(worldSeed: number, index: number, street: Street): Block {
  const random = createRandom(mixSeeds(worldSeed, 0xb10c, index));
  const base = index * BLOCK_LENGTH;
  const still: Drawable[] = [];
  for (const side of [-1, 1]) {
    placeFacades(random, base, side, street, still);
    placeCurb(random, base, side, street, still);
    if (street.parking > 0) placeParked(random, base, side, street, still);
    placeParkedTwoWheelers(random, base, side, street, still);
  }
  placeControls(random, base, street, still);
  const walkers = Array.from({ length: random.int(4, 11) }, () => sampleWalker(random, street));
  const crossers = Array.from({ length: random.chance(0.6) ? random.int(1, 4) : 0 }, () =>
    sampleCrosser(random, street),
  );
  const cross = Array.from({ length: random.int(0, 4) }, () => sampleCross(random));
  return { still, walkers, crossers, cross };
}

function placeFacades(random: Random, base: number, side: number, street: Street, out: Drawable[]): void {
  let z = base + CROSSING + 1;
  const end = base + BLOCK_LENGTH - 1;
  while (z < end - 4) {
    const length = Math.min(end - z, random.range(8, 16));
    const x = side * (street.facade + random.range(0, 0.8));
    if (random.chance(0.85)) {
      const look = sampleBuilding(random, length);
      out.push(
        scenery(
          x,
          0,
          z,
          0,
          30,
          (painter) => paintBuilding(painter, look, -side, painter.atmosphere.lamps),
          z + length,
        ),
      );
    } else {
      for (let i = 0; i < 3; i += 1) {
        const tree = sampleTree(random);
        const at = z + ((i + 0.5) * length) / 3;
        out.push(
          scenery(x + side * random.range(0.5, 4), 0, at, 0, tree.height, (painter) =>
            paintTree(painter, tree),
          ),
        );
      }
    }
    z += length + (random.chance(0.2) ? 2 : 0);
  }
}

function placeCurb(random: Random, base: number, side: number, street: Street, out: Drawable[]): void {
  const x = side * (street.curb + 0.5);
  for (let z = base + CROSSING + 4; z < base + BLOCK_LENGTH - 4; z += random.range(6, 11)) {
    const kind = random.next();
    if (kind < 0.4) {
      const tree = sampleTree(random);
      out.push(scenery(x, 0, z, 0, tree.height, (painter) => paintTree(painter, tree)));
    } else if (kind < 0.65) {
      out.push(scenery(x, 0, z, 0, 6, (painter) => paintLampPost(painter, -side, painter.atmosphere.lamps)));
    } else if (kind < 0.78) {
      const sign = random.int(0, 3);
      placePole(x, z, 2.5, out);
      out.push(
        scenery(x, 2.3, z - 0.08, random.range(-0.2, 0.2), 1, (painter) => paintOtherSign(painter, sign)),
      );
    } else if (kind < 0.84) {
      placeStopSign(random, x, z, out);
    } else {
      const furniture = random.int(0, 4);
      out.push(
        scenery(x + side * random.range(0, 0.6), 0, z, side > 0 ? 0 : 2 * QUARTER, 1, (painter) =>
          paintFurniture(painter, furniture),
        ),
      );
    }
  }
}

function placePole(x: number, z: number, height: number, out: Drawable[]): void {
  out.push(
    scenery(
      x,
      0,
      z,
      0,
      height,
      (painter) => painter.limb(0, 0, 0, 0, height, 0, 0.05, 0.045, 0x70767c),
      z + 0.1,
    ),
  );
}

function placeStopSign(random: Random, x: number, z: number, out: Drawable[]): void {
  const y = random.range(1.9, 2.5);
  placePole(x, z, y + 0.3, out);
  out.push({
    label: 'stop sign',
    x,
    y,
    z: z - 0.08,
    heading: random.range(-0.35, 0.35),
    order: z - 0.08,
    height: 2 * STOP_SIGN_RADIUS,
    nearest: 1.5,
    shadow: [0, 0],
    paint: paintStopSign,
  });
}

function placeLight(
  x: number,
  y: number,
  z: number,
  heading: number,
  look: TrafficLightLook,
  out: Drawable[],
): void {
  out.push({
    label: 'traffic light',
    x,
    y,
    z,
    heading,
    order: z - 0.2,
    height: TRAFFIC_LIGHT_HEIGHT,
    nearest: 1.5,
    shadow: [0, 0],
    paint: (painter, t) => paintTrafficLight(painter, look, t, painter.atmosphere.lamps),
  });
}

function placeControls(random: Random, base: number, street: Street, out: Drawable[]): void {
  const near = base - 3.6;
  const far = base + CROSSING + 0.6;
  const right = street.curb + 0.4;
  if (random.chance(0.62)) {
    const look: TrafficLightLook = {
      start: random.range(0, 3),
      cycle: random.range(12, 30),
      housing: random.pick([0x1c1e20, 0x1c1e20, 0x2c3a30, 0xc89018] as const),
    };
    const spots: [number, number][] = [[right, near]];
    if (random.chance(0.7)) spots.push([-right, random.chance(0.5) ? near : far]);
    if (random.chance(0.6)) spots.push([right, far]);
    for (const [x, z] of spots) {
      const y = random.range(2.1, 3);
      placePole(x, z, y + 0.3, out);
      placeLight(x, y, z - 0.1, random.range(-0.3, 0.3), look, out);
      if (random.chance(0.25))
        placeLight(x + 0.35, y - 0.2, z + 0.2, random.chance(0.5) ? QUARTER : -QUARTER, look, out);
    }
    if (random.chance(0.45)) {
      const reach = random.range(2.5, street.curb);
      const y = random.range(4.4, 5.2);
      out.push(
        scenery(
          right,
          0,
          far,
          0,
          6,
          (painter) => {
            painter.limb(0, 0, 0, 0, y + 1, 0, 0.1, 0.08, 0x60666c);
            painter.limb(0, y + 1, 0, -reach, y + 1.1, 0, 0.07, 0.06, 0x60666c);
          },
          far + 0.1,
        ),
      );
      placeLight(right - reach * 0.95, y, far - 0.1, 0, look, out);
      if (random.chance(0.5)) placeLight(right - reach * 0.45, y, far - 0.1, 0, look, out);
    }
    return;
  }
  placeStopSign(random, right, near, out);
  if (random.chance(0.4)) placeStopSign(random, -right, near + random.range(-1, 1), out);
}

function placeParked(random: Random, base: number, side: number, street: Street, out: Drawable[]): void {
  const x = side * (street.road + street.parking / 2);
  let z = base + CROSSING + 5;
  const end = base + BLOCK_LENGTH - 7;
  while (z < end) {
    if (random.chance(0.45)) {
      z += random.range(3, 7);
      continue;
    }
    const kind = random.chance(0.66)
      ? 'car'
      : random.pick(['truck', 'motorcycle', 'bus', 'motorcycle'] as const);
    const vehicle = sampleVehicle(kind, false, random);
    const along = side > 0 ? 0 : 2 * QUARTER;
    const heading =
      kind === 'motorcycle' ? along + random.range(0.4, 1.4) * -side : along + random.bell() * 0.03;
    const room = kind === 'motorcycle' ? 1.6 : vehicle.length;
    if (z + room > end + 3) break;
    placeVehicle(vehicle, x + random.bell() * 0.08, z + room / 2, heading, out);
    z += room + random.range(0.7, 1.6);
  }
}

function placeParkedTwoWheelers(
  random: Random,
  base: number,
  side: number,
  street: Street,
  out: Drawable[],
): void {
  const count = random.pick([0, 1, 1, 2, 3] as const);
  for (let i = 0; i < count; i += 1) {
    const kind = random.chance(0.68) ? 'bicycle' : 'motorcycle';
    const x =
      side *
      (random.chance(0.5) ? street.curb + random.range(0.6, 1) : street.facade - random.range(0.6, 1.2));
    const z = base + CROSSING + random.range(2, BLOCK_LENGTH - CROSSING - 4);
    const heading = random.chance(0.6)
      ? (random.chance(0.5) ? QUARTER : -QUARTER) + random.bell() * 0.25
      : random.range(0, 6.28);
    const vehicle = sampleVehicle(kind, false, random);
    const row = kind === 'bicycle' && random.chance(0.3) ? 3 : 1;
    for (let k = 0; k < row; k += 1) placeVehicle(vehicle, x, z + k * 1.1, heading, out);
  }
}

function sampleWalker(random: Random, street: Street): Walker {
  const side = random.chance(0.5) ? 1 : -1;
  const stands = random.chance(0.2);
  const away = random.chance(0.5);
  return {
    seed: mixSeeds(random.int(0, 0xfffffff), 7),
    x: side * random.range(street.curb + 0.5, street.facade - 0.6),
    z: random.range(0, BLOCK_LENGTH),
    speed: stands ? 0 : random.range(0.8, 1.7),
    heading: stands ? random.range(0, 6.28) : (away ? 0 : 2 * QUARTER) + random.bell() * 0.2,
  };
}

function sampleCrosser(random: Random, street: Street): Walker {
  const rightwards = random.chance(0.5);
  return {
    seed: mixSeeds(random.int(0, 0xfffffff), 8),
    x: random.range(-street.curb - 2, street.curb + 2),
    z: random.range(-2.8, -0.8),
    speed: random.range(0.9, 1.6) * (rightwards ? 1 : -1),
    heading: rightwards ? QUARTER : -QUARTER,
  };
}

function sampleCross(random: Random): CrossCar {
  const rightwards = random.chance(0.5);
  const kind = sampleKind(random);
  return {
    vehicle: sampleVehicle(kind, true, random),
    start: random.range(0, CROSS_SPAN),
    speed: (rightwards ? 1 : -1) * (kind === 'bicycle' ? random.range(3, 6) : random.range(4, 11)),
    z: rightwards ? 2.8 : 7,
  };
}

const CROSS_SPAN = 64;

/** Adds everything of a block as it stands at time `t` (seconds). */
export function placeBlock(block: Block, index: number, t: number, street: Street, out: Drawable[]): void {
  const base = index * BLOCK_LENGTH;
  for (const drawable of block.still) out.push(drawable);
  for (const walker of block.walkers) {
    const forth = walker.heading < QUARTER ? 1 : -1;
    const z = base + wrap(walker.z + walker.speed * forth * t, BLOCK_LENGTH);
    placePerson(walker.seed, walker.x, z, walker.heading, walker.speed > 0 ? 1 : 0, out);
  }
  const span = 2 * (street.curb + 2.5);
  for (const walker of block.crossers) {
    const x = wrap(walker.x + span / 2 + walker.speed * t, span) - span / 2;
    placePerson(walker.seed, x, base + walker.z, walker.heading, 1, out);
  }
  for (const car of block.cross) {
    const x = wrap(car.start + car.speed * t, CROSS_SPAN) - CROSS_SPAN / 2;
    placeVehicle(car.vehicle, x, base + car.z, car.speed > 0 ? QUARTER : -QUARTER, out);
  }
}
