import { createRandom, mixSeeds, type Random } from '../core/random.ts';
import { BLOCK_LENGTH, CROSSING } from './block-size.ts';
import type { Drawable } from './drawable.ts';
import { HALF_TURN, QUARTER_TURN, wrap } from './drawing/exact-math.ts';
import { placeControls, placeCurb, placeFacades } from './roadside.ts';
import type { Street } from './street.ts';
import { placePerson, placeVehicle, sampleKind, sampleVehicle, type Vehicle } from './traffic.ts';

/** A pedestrian who walks along or across the street and turns back when out of sight. */
interface Walker {
  readonly seed: number;
  readonly x: number;
  /** from the block's start */
  readonly z: number;
  /** meters per second; negative means to the left when crossing */
  readonly speed: number;
  readonly heading: number;
}

interface CrossVehicle {
  readonly vehicle: Vehicle;
  readonly start: number;
  readonly speed: number;
  readonly z: number;
}

/** The contents of a block: static objects, and objects that move within it. */
export interface Block {
  readonly still: readonly Drawable[];
  readonly walkers: readonly Walker[];
  readonly crossers: readonly Walker[];
  readonly cross: readonly CrossVehicle[];
}

/** Visible length of the crossing street, meters. */
const CROSS_SPAN = 64;

/** Block `index` of the world with this seed. The same numbers always yield the same block. */
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
  const walkers = Array.from({ length: random.int(3, 9) }, () => sampleWalker(random, street));
  const crossing = random.chance(0.6) ? random.int(1, 4) : 0;
  const crossers = Array.from({ length: crossing }, () => sampleCrosser(random, street));
  const cross = Array.from({ length: random.int(0, 4) }, () => sampleCross(random));
  return { still, walkers, crossers, cross };
}

function placeParked(random: Random, base: number, side: number, street: Street, out: Drawable[]): void {
  const x = side * (street.road + street.parking / 2);
  const end = base + BLOCK_LENGTH - 7;
  let z = base + CROSSING + 5;
  while (z < end) {
    if (random.chance(0.45)) {
      z += random.range(3, 7);
      continue;
    }
    const kind = random.chance(0.62)
      ? 'car'
      : random.pick(['truck', 'motorcycle', 'bus', 'motorcycle'] as const);
    const vehicle = sampleVehicle(kind, false, random);
    const along = side > 0 ? 0 : HALF_TURN;
    const slanted = kind === 'motorcycle';
    const heading = slanted ? along - side * random.range(0.4, 1.4) : along + random.bell() * 0.03;
    const room = slanted ? 1.6 : vehicle.length;
    if (z + room > end + 3) break;
    out.push(placeVehicle(vehicle, x + random.bell() * 0.08, z + room / 2, heading));
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
    const atCurb = random.chance(0.5);
    const x = side * (atCurb ? street.curb + random.range(0.7, 1.1) : street.facade - random.range(0.6, 1.2));
    const z = base + CROSSING + random.range(2, BLOCK_LENGTH - CROSSING - 4);
    const across = (random.chance(0.5) ? QUARTER_TURN : -QUARTER_TURN) + random.bell() * 0.25;
    const heading = random.chance(0.6) ? across : random.range(0, 6.28);
    const row = kind === 'bicycle' && random.chance(0.3) ? 3 : 1;
    for (let k = 0; k < row; k += 1) {
      out.push(placeVehicle(sampleVehicle(kind, false, random), x, z + k * 1.2, heading));
    }
  }
}

function sampleWalker(random: Random, street: Street): Walker {
  const side = random.chance(0.5) ? 1 : -1;
  const stands = random.chance(0.2);
  const along = random.chance(0.5) ? 0 : HALF_TURN;
  return {
    seed: random.int(0, 0xffffffff),
    x: side * random.range(street.curb + 0.5, street.facade - 0.6),
    z: random.range(0, BLOCK_LENGTH),
    speed: stands ? 0 : random.range(0.8, 1.7),
    heading: stands ? random.range(0, 6.28) : along + random.bell() * 0.2,
  };
}

function sampleCrosser(random: Random, street: Street): Walker {
  const rightwards = random.chance(0.5);
  return {
    seed: random.int(0, 0xffffffff),
    x: random.range(-street.curb - 2, street.curb + 2),
    z: random.range(-2.8, -0.8),
    speed: random.range(0.9, 1.6) * (rightwards ? 1 : -1),
    heading: rightwards ? QUARTER_TURN : -QUARTER_TURN,
  };
}

function sampleCross(random: Random): CrossVehicle {
  const rightwards = random.chance(0.5);
  const kind = sampleKind(random);
  const speed = kind === 'bicycle' ? random.range(3, 6) : random.range(4, 11);
  return {
    vehicle: sampleVehicle(kind, true, random),
    start: random.range(0, CROSS_SPAN),
    speed: rightwards ? speed : -speed,
    z: rightwards ? 2.8 : 7,
  };
}

/** Adds everything in a block at time `t` (seconds). */
export function placeBlock(block: Block, index: number, t: number, street: Street, out: Drawable[]): void {
  const base = index * BLOCK_LENGTH;
  out.push(...block.still);
  for (const { vehicle, start, speed, z } of block.cross) {
    const x = wrap(start + speed * t, CROSS_SPAN) - CROSS_SPAN / 2;
    out.push(placeVehicle(vehicle, x, base + z, speed > 0 ? QUARTER_TURN : -QUARTER_TURN));
  }
  const span = 2 * (street.curb + 2.5);
  for (const walker of block.crossers) {
    const x = wrap(walker.x + span / 2 + walker.speed * t, span) - span / 2;
    out.push(placePerson(walker.seed, x, base + walker.z, walker.heading, 1));
  }
  for (const walker of block.walkers) {
    const forth = walker.heading < QUARTER_TURN ? 1 : -1;
    const z = base + wrap(walker.z + walker.speed * forth * t, BLOCK_LENGTH);
    out.push(placePerson(walker.seed, walker.x, z, walker.heading, walker.speed > 0 ? 1 : 0));
  }
}
