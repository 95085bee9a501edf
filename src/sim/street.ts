import type { Random } from '../core/random.ts';
import { mixColors, type Color } from './drawing/atmosphere.ts';
import { BLOCK_LENGTH, CROSSING } from './block-size.ts';
import type { Painter } from './drawing/painter.ts';

/** The cross section of the street: distances from the center in meters, the same on both sides. */
export interface Street {
  /** lanes in each direction */
  readonly lanes: number;
  readonly laneWidth: number;
  /** edge of the driving lanes */
  readonly road: number;
  /** width of the parking strip, 0 for none */
  readonly parking: number;
  readonly curb: number;
  readonly facade: number;
  readonly asphalt: Color;
  readonly pavement: Color;
  readonly ground: Color;
  readonly centerLine: Color;
}

export function sampleStreet(random: Random): Street {
  const lanes = random.chance(0.6) ? 1 : 2;
  const laneWidth = random.range(3.2, 3.6);
  const road = lanes * laneWidth + 0.3;
  const parking = random.chance(0.7) ? 2.3 : 0;
  const curb = road + parking;
  return {
    lanes,
    laneWidth,
    road,
    parking,
    curb,
    facade: curb + random.range(3, 5.5),
    asphalt: mixColors(0x4a4c50, 0x6c6a68, random.next()),
    pavement: mixColors(0x9a968e, 0xb8b0a4, random.next()),
    ground: random.chance(0.4) ? 0x5a7844 : 0x8c887e,
    centerLine: random.chance(0.5) ? 0xe0b030 : 0xe8e8e4,
  };
}

/** Depths at which the haze of the ground changes, meters from the camera. */
const STRIPS = [0.5, 2.5, 5, 8, 12, 17, 24, 34, 48, 70, 110, 500] as const;
const SKY_BANDS = 18;
/** Top of the gradient above the camera at a distance of 1000 m, in meters. */
const SKY_HEIGHT = 650;

/** Paints sky and ground behind everything else. */
export function paintBackdrop(painter: Painter, street: Street, skyline: readonly number[]): void {
  const { camera, atmosphere } = painter;
  paintSky(painter);
  painter.place(camera.x, 0, camera.z + 260, 0);
  skyline.forEach((height, index) => {
    const x = (index - skyline.length / 2) * 30;
    painter.rect(0, x, -3, x + 31, height, mixColors(0x8890a0, atmosphere.skyLow, 0.35));
  });
  for (let i = STRIPS.length - 2; i >= 0; i -= 1) {
    const near = camera.z + STRIPS[i]!;
    const far = camera.z + STRIPS[i + 1]!;
    const wide = STRIPS[i + 1]! * 2.6 + 10;
    painter.place(0, 0, (near + Math.min(far, camera.z + 130)) / 2, 0);
    const origin = (near + Math.min(far, camera.z + 130)) / 2;
    // extends under the next strip, so that no seam shows between their soft edges
    const z0 = near - origin - 0.08 * STRIPS[i]!;
    const z1 = far - origin;
    // each layer extends a little farther than the one below, so that no soft far edge shows through
    const step = 0.018 * STRIPS[i + 1]!;
    quad(painter, camera.x - wide, camera.x + wide, z0, z1 - 3 * step, street.ground);
    quad(painter, -street.facade - 1, street.facade + 1, z0, z1 - 2 * step, street.pavement);
    quad(painter, -street.curb - 0.15, street.curb + 0.15, z0, z1 - step, 0xc4c0b8);
    quad(painter, -street.curb, street.curb, z0, z1, street.asphalt);
    for (let block = Math.floor(near / BLOCK_LENGTH); block * BLOCK_LENGTH < far; block += 1) {
      const a = Math.max(near, block * BLOCK_LENGTH) - origin;
      const b = Math.min(far, block * BLOCK_LENGTH + CROSSING) - origin;
      if (b > a && far < camera.z + 200)
        quad(
          painter,
          camera.x - wide,
          camera.x + wide,
          a - (block * BLOCK_LENGTH < near ? 0.08 * STRIPS[i]! : 0),
          b,
          street.asphalt,
        );
    }
    if (far < camera.z + 80) paintMarkings(painter, street, near, far, origin);
  }
}

function quad(painter: Painter, x0: number, x1: number, z0: number, z1: number, color: Color): void {
  painter.polygon([x0, 0, z0, x1, 0, z0, x1, 0, z1, x0, 0, z1], color);
}

function paintSky(painter: Painter): void {
  const { camera, atmosphere, canvas } = painter;
  canvas.pixels.fill(0);
  painter.place(camera.x, camera.y, camera.z + 1000, camera.yaw);
  painter.depth = 0;
  const finish = { emissive: true };
  const step = SKY_HEIGHT / SKY_BANDS;
  painter.rect(0, -4000, SKY_HEIGHT, 4000, 4000, atmosphere.skyTop, finish);
  for (let i = SKY_BANDS - 1; i >= 0; i -= 1) {
    const low = i === 0 ? -120 : i * step - 12;
    const color = mixColors(atmosphere.skyLow, atmosphere.skyTop, i / SKY_BANDS);
    painter.rect(0, -4000, low, 4000, (i + 1) * step, color, finish);
  }
}

function paintMarkings(painter: Painter, street: Street, near: number, far: number, origin: number): void {
  const white = 0xe4e4e0;
  const line = (x: number, width: number, from: number, to: number, color: Color): void => {
    const a = Math.max(near, from);
    const b = Math.min(far + 0.018 * (far - painter.camera.z), to);
    if (b > a) quad(painter, x - width / 2, x + width / 2, a - origin, b - origin, color);
  };
  for (
    let block = Math.floor(near / BLOCK_LENGTH) - 1;
    block * BLOCK_LENGTH < far + BLOCK_LENGTH;
    block += 1
  ) {
    const base = block * BLOCK_LENGTH;
    const from = base + CROSSING + 3.5;
    const to = base + BLOCK_LENGTH - 4.5;
    for (const x of street.centerLine === 0xe0b030 ? [-0.14, 0.14] : [0])
      line(x, 0.13, from, to, street.centerLine);
    for (const side of [-1, 1]) {
      line(side * (street.road - 0.1), 0.12, from, to, white);
      for (let lane = 1; lane < street.lanes; lane += 1) {
        for (let z = from; z < to; z += 6) line(side * lane * street.laneWidth, 0.13, z, z + 2.6, white);
      }
    }
    for (let x = -street.road + 0.4; x < street.road; x += 0.95) line(x, 0.5, base - 3, base - 0.5, white);
    line(street.road / 2, street.road - 0.4, base - 4.3, base - 3.9, white);
  }
}
