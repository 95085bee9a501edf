import type { Random } from '../core/random.ts';
import { BLOCK_LENGTH, CROSSING } from './block-size.ts';
import { footprintOf, scenery, signal, type Drawable } from './drawable.ts';
import { HALF_TURN, QUARTER_TURN } from './drawing/exact-math.ts';
import type { Painter } from './drawing/painter.ts';
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
import type { Street } from './street.ts';

/** Depth of a house behind its facade, meters. */
const HOUSE_DEPTH = 9;
const STEEL = 0x70767c;

function tree(random: Random, x: number, z: number): Drawable {
  const look = sampleTree(random);
  return scenery(x, z, 0, (painter) => paintTree(painter, look), footprintOf(x, z, 0.5, 0.5, 0));
}

function pole(x: number, z: number, height: number): Drawable {
  return scenery(x, z, 0, (painter) => painter.limb(0, 0, 0, 0, height, 0, 0.05, 0.045, STEEL));
}

/** Houses and gardens along one side of a block; `side` is -1 for the left, 1 for the right. */
export function placeFacades(
  random: Random,
  base: number,
  side: number,
  street: Street,
  out: Drawable[],
): void {
  let z = base + CROSSING + 1;
  const end = base + BLOCK_LENGTH - 1;
  while (z < end - 4) {
    const length = Math.min(end - z, random.range(8, 16));
    const x = side * (street.facade + random.range(0, 0.8));
    if (random.chance(0.85)) {
      const look = sampleBuilding(random, length);
      const back = x + side * HOUSE_DEPTH;
      const footprint = { x0: Math.min(x, back), x1: Math.max(x, back), z0: z, z1: z + length };
      out.push(
        scenery(
          x,
          z,
          0,
          (painter) => paintBuilding(painter, look, -side, painter.atmosphere.lamps),
          footprint,
        ),
      );
    } else {
      for (let i = 0; i < 3; i += 1) {
        out.push(tree(random, x + side * random.range(0.5, 4), z + ((i + 0.5) * length) / 3));
      }
    }
    z += length + (random.chance(0.2) ? 2 : 0);
  }
}

/** Trees, lamp posts, signs and furniture along one curb. */
export function placeCurb(random: Random, base: number, side: number, street: Street, out: Drawable[]): void {
  const x = side * (street.curb + 0.5);
  for (let z = base + CROSSING + 4; z < base + BLOCK_LENGTH - 4; z += random.range(6, 11)) {
    const kind = random.next();
    if (kind < 0.38) {
      out.push(tree(random, x, z));
    } else if (kind < 0.6) {
      out.push(scenery(x, z, 0, (painter) => paintLampPost(painter, -side, painter.atmosphere.lamps)));
    } else if (kind < 0.74) {
      const sign = random.int(0, 3);
      const turn = random.range(-0.2, 0.2);
      out.push(pole(x, z, 2.5));
      out.push(
        scenery(
          x,
          z - 0.08,
          turn,
          (painter) => paintOtherSign(painter, sign),
          footprintOf(x, z - 0.1, 0.3, 0.05, 0),
          2.3,
        ),
      );
    } else if (kind < 0.84) {
      placeStopSign(random, x, z, out);
    } else {
      const furniture = random.int(0, 4);
      const at = x + side * random.range(0, 0.6);
      out.push(scenery(at, z, side > 0 ? 0 : HALF_TURN, (painter) => paintFurniture(painter, furniture)));
    }
  }
}

function placeStopSign(random: Random, x: number, z: number, out: Drawable[]): void {
  const y = random.range(1.9, 2.5);
  out.push(pole(x, z, y + 0.3));
  out.push(
    signal(
      { label: 'stop sign', height: 2 * STOP_SIGN_RADIUS, paint: paintStopSign },
      x,
      y,
      z - 0.08,
      random.range(-0.35, 0.35),
    ),
  );
}

function trafficLight(look: TrafficLightLook, x: number, y: number, z: number, heading: number): Drawable {
  return signal(
    {
      label: 'traffic light',
      height: TRAFFIC_LIGHT_HEIGHT,
      paint: (painter, t) => paintTrafficLight(painter, look, t, painter.atmosphere.lamps),
    },
    x,
    y,
    z,
    heading,
  );
}

/** The controls of the intersection at the block's start: lights on poles and arms, or stop signs. */
export function placeControls(random: Random, base: number, street: Street, out: Drawable[]): void {
  const near = base - 3.6;
  const right = street.curb + 0.4;
  if (!random.chance(0.6)) {
    placeStopSign(random, right, near, out);
    if (random.chance(0.4)) placeStopSign(random, -right, near + random.range(-1, 1), out);
    return;
  }
  const far = base + CROSSING + 0.6;
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
    out.push(pole(x, z, y + 0.3));
    out.push(trafficLight(look, x, y, z - 0.15, random.range(-0.3, 0.3)));
    if (random.chance(0.2)) {
      const turn = random.chance(0.5) ? QUARTER_TURN : -QUARTER_TURN;
      out.push(trafficLight(look, x + 0.35, y - 0.2, z + 0.25, turn));
    }
  }
  if (random.chance(0.45)) placeArm(random, look, right, far, street, out);
}

function placeArm(
  random: Random,
  look: TrafficLightLook,
  right: number,
  far: number,
  street: Street,
  out: Drawable[],
): void {
  const reach = random.range(2.5, street.curb);
  const y = random.range(4.4, 5.2);
  const paint = (painter: Painter): void => {
    painter.limb(0, 0, 0, 0, y + 1, 0, 0.1, 0.08, STEEL);
    painter.limb(0, y + 1, 0, -reach, y + 1.1, 0, 0.07, 0.06, STEEL);
  };
  out.push(
    scenery(right, far, 0, paint, { x0: right - reach, x1: right + 0.1, z0: far - 0.1, z1: far + 0.1 }),
  );
  out.push(trafficLight(look, right - reach * 0.95, y, far - 0.2, 0));
  if (random.chance(0.5)) out.push(trafficLight(look, right - reach * 0.45, y, far - 0.2, 0));
}
