import { createRandom, mixSeeds, type Random } from '../core/random.ts';
import { BLOCK_LENGTH } from './block-size.ts';
import { buildBlock, placeBlock, type Block } from './block.ts';
import { sortForPainting, withoutCollisions, type Drawable } from './drawable.ts';
import { HALF_TURN, sine, wrap } from './drawing/exact-math.ts';
import type { Camera } from './drawing/painter.ts';
import { sampleStreet, type Street } from './street.ts';
import { placeVehicle, sampleKind, sampleVehicle, type Vehicle } from './traffic.ts';

/** Traffic of a lane repeats its positions, but never its appearance, over this many meters. */
const LANE_SPAN = 84;
/** Distance behind the camera at which a vehicle is dropped, meters. */
const BEHIND = 9;

interface LaneSlot {
  readonly x: number;
  readonly heading: number;
  /** meters ahead of the camera at t = 0, 0..LANE_SPAN */
  readonly start: number;
  /** speed relative to the camera, meters per second */
  readonly drift: number;
  /** for the camera's own lane: the slot swings around `start` by this many meters and never comes close */
  readonly swing: number;
  readonly phase: number;
  lap: number;
  vehicle: Vehicle | undefined;
}

/** How the camera is carried. */
export interface Mount {
  readonly kind: 'car' | 'robot' | 'mast';
  readonly x: number;
  readonly height: number;
  readonly start: number;
  /** meters per second along the road */
  readonly speed: number;
  readonly yaw: number;
  /** distance of the horizon above the center, as a share of the image's height */
  readonly pitch: number;
  /** focal length over image height */
  readonly focal: number;
}

/** Ground reserved for the camera: half its width and its extent ahead, meters. */
const OWN_GROUND = { car: [1.1, 3], robot: [0.7, 1.8], mast: [1.2, 6] } as const;

/** An endless street, determined entirely by the seed. */
export interface World {
  readonly seed: number;
  readonly street: Street;
  readonly mount: Mount;
  readonly sunAngle: number;
  readonly overcast: number;
  readonly skyline: readonly number[];
  readonly slots: readonly LaneSlot[];
  readonly blocks: Map<number, Block>;
}

/** Seeds are safe integers >= 0. */
export function createWorld(seed: number): World {
  const random = createRandom(seed);
  const street = sampleStreet(random);
  const mount = sampleMount(random, street);
  return {
    seed: mixSeeds(random.int(0, 0xffffffff), random.int(0, 0xffffffff)),
    street,
    mount,
    sunAngle: random.range(0, 6.28),
    overcast: random.chance(0.4) ? random.range(0.6, 1) : random.range(0, 0.4),
    skyline: Array.from({ length: 26 }, () => random.range(2, 34)),
    slots: sampleSlots(random, street, mount),
    blocks: new Map(),
  };
}

function sampleMount(random: Random, street: Street): Mount {
  const kind = random.pick(['car', 'car', 'car', 'robot', 'robot', 'mast'] as const);
  const start = random.range(BLOCK_LENGTH * 0.35, BLOCK_LENGTH * 0.9);
  const focal = random.range(0.8, 1.15);
  if (kind === 'car') {
    const x = (random.int(1, street.lanes) - 0.5) * street.laneWidth;
    return {
      kind,
      x,
      height: random.range(1.25, 2.2),
      start,
      speed: random.range(3, 11),
      yaw: random.bell() * 0.06,
      pitch: random.range(-0.04, 0.12),
      focal,
    };
  }
  if (kind === 'robot') {
    const side = random.chance(0.5) ? 1 : -1;
    const x = side * random.range(street.curb + 0.6, street.facade - 1.4);
    return {
      kind,
      x,
      height: random.range(0.9, 1.7),
      start,
      speed: random.range(0, 1.4),
      yaw: -side * random.range(0, 0.35),
      pitch: random.range(-0.06, 0.06),
      focal,
    };
  }
  const x = (random.chance(0.5) ? 1 : -1) * random.range(street.curb - 0.6, street.curb + 0.8);
  return {
    kind,
    x,
    height: random.range(3.2, 5),
    start,
    speed: 0,
    yaw: random.bell() * 0.05 - (x > 0 ? 0.14 : -0.14),
    pitch: random.range(0.1, 0.26),
    focal,
  };
}

function sampleSlots(random: Random, street: Street, mount: Mount): LaneSlot[] {
  const slots: LaneSlot[] = [];
  for (let lane = 1; lane <= street.lanes; lane += 1) {
    for (const side of [-1, 1]) {
      const x = side * (lane - 0.5) * street.laneWidth;
      const own = mount.kind === 'car' && Math.abs(x - mount.x) < 1;
      const speed = side > 0 ? random.range(3, 11) : -random.range(4, 11);
      const drift = own ? 0 : speed - mount.speed;
      let start = own ? random.range(9, 20) : random.range(0, 12);
      while (start < LANE_SPAN - 12) {
        slots.push({
          x: x + random.bell() * 0.15,
          heading: side > 0 ? 0 : HALF_TURN,
          start,
          drift,
          swing: own ? random.range(0, 1.5) : 0,
          phase: random.range(0, 6.28),
          lap: NaN,
          vehicle: undefined,
        });
        start += random.range(12.5, 30);
      }
    }
  }
  // cyclists keep to the edge of the road
  const edges = random.int(0, 2);
  for (let i = 0; i < edges; i += 1) {
    const side = mount.kind === 'car' && mount.x > street.road - 2 ? -1 : random.chance(0.5) ? 1 : -1;
    const speed = side * random.range(3, 6);
    slots.push({
      x: side * (street.road - 0.35),
      heading: side > 0 ? 0 : HALF_TURN,
      start: random.range(4, 34),
      drift: speed - mount.speed,
      swing: 0,
      phase: -1,
      lap: NaN,
      vehicle: undefined,
    });
  }
  return slots;
}

/** The camera at time `t` (seconds), for an image of this size; `tilt` in degrees. */
export function cameraAt(world: World, t: number, width: number, height: number, tilt: number): Camera {
  const { mount } = world;
  const sway = mount.kind === 'mast' ? 0.2 : 1;
  return {
    x: mount.x + 0.08 * sway * sine(t * 0.7),
    y: mount.height + 0.02 * sway * sine(t * 5.1),
    z: mount.start + mount.speed * t,
    yaw: mount.yaw + 0.025 * sway * sine(t * 0.43 + 1),
    horizon: -height * (mount.pitch + 0.006 * sway * sine(t * 3.3)),
    focal: mount.focal * height * (width / height > 1.2 ? 1 : (width / height) * 0.8),
    roll: ((tilt + 0.3 * sway * sine(t * 1.9)) * HALF_TURN) / 180,
  };
}

/** Everything around the camera at time `t`, each on its own ground, far to near. */
export function drawablesAt(world: World, t: number, camera: Camera): Drawable[] {
  const out: Drawable[] = [];
  for (const [index, slot] of world.slots.entries()) out.push(placeSlot(world, slot, index, t, camera.z));
  const first = Math.floor((camera.z - 2) / BLOCK_LENGTH);
  for (let index = first; index <= first + 2; index += 1) {
    placeBlock(blockOf(world, index), index, t, world.street, out);
  }
  const [half, ahead] = OWN_GROUND[world.mount.kind];
  const own = { x0: camera.x - half, x1: camera.x + half, z0: camera.z - 3, z1: camera.z + ahead };
  return sortForPainting(withoutCollisions(out, own), camera.x);
}

function blockOf(world: World, index: number): Block {
  let block = world.blocks.get(index);
  if (block === undefined) {
    for (const known of world.blocks.keys()) if (Math.abs(known - index) > 4) world.blocks.delete(known);
    block = buildBlock(world.seed, index, world.street);
    world.blocks.set(index, block);
  }
  return block;
}

function placeSlot(world: World, slot: LaneSlot, index: number, t: number, cameraZ: number): Drawable {
  const moved = slot.start + slot.drift * t + BEHIND;
  const lap = Math.floor(moved / LANE_SPAN);
  const ahead =
    slot.swing > 0 || slot.drift === 0
      ? slot.start + slot.swing * sine(t * 0.5 + slot.phase)
      : wrap(moved, LANE_SPAN) - BEHIND;
  if (lap !== slot.lap || slot.vehicle === undefined) {
    const random = createRandom(mixSeeds(world.seed, 0x510, index, lap));
    const kind = slot.phase < 0 ? 'bicycle' : sampleKind(random);
    slot.vehicle = sampleVehicle(kind, true, random);
    slot.lap = lap;
  }
  return placeVehicle(slot.vehicle, slot.x, cameraZ + ahead, slot.heading);
}
