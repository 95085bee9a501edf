import type { Random } from '../../core/random.ts';
import type { Color } from '../drawing/atmosphere.ts';
import { sine } from '../drawing/exact-math.ts';
import type { Painter } from '../drawing/painter.ts';

const TOPS = [
  0xc0282c, 0x2456a8, 0xe8e4d8, 0x2c2e34, 0x3c8a50, 0xe0a828, 0x7c4a9c, 0xd87848, 0x6c7880, 0x90c0d8,
] as const;
const LEGS = [0x23283a, 0x2e4a78, 0x4a4038, 0x1c1c20, 0x8a7a60, 0x5a5e64] as const;
const SKINS = [0xf0c8a4, 0xd8a078, 0xa87048, 0x6e4428] as const;
const HAIRS = [0x181410, 0x4a3018, 0x8a6030, 0xb8b4b0, 0xc89848] as const;

export interface PersonLook {
  /** meters */
  readonly height: number;
  readonly top: Color;
  readonly legs: Color;
  readonly skin: Color;
  readonly hair: Color;
  readonly dress: 'trousers' | 'skirt' | 'coat';
  readonly bag: boolean;
  readonly hat: boolean;
  /** phase of the step, radians */
  readonly phase: number;
}

export function samplePerson(random: Random): PersonLook {
  return {
    height: random.chance(0.12) ? random.range(1.15, 1.4) : random.range(1.55, 1.92),
    top: random.pick(TOPS),
    legs: random.pick(LEGS),
    skin: random.pick(SKINS),
    hair: random.pick(HAIRS),
    dress: random.pick(['trousers', 'trousers', 'skirt', 'coat'] as const),
    bag: random.chance(0.3),
    hat: random.chance(0.15),
    phase: random.range(0, 6.28),
  };
}

/** A pedestrian; `stride` 0 stands .. 1 walks fast, `t` in seconds. */
export function paintPerson(painter: Painter, look: PersonLook, stride: number, t: number): void {
  const u = look.height / 1.75;
  const swing = sine(look.phase + t * 7 * stride) * 0.38 * stride;
  const hip = 0.9 * u;
  const shoulder = 1.42 * u;
  const near = painter.faces(0, 1, 0, 1, 0, 0) ? 1 : -1;
  const arm = (side: number, sway: number): void => {
    const x = side * 0.23 * u;
    const handZ = sway * 0.55 * u;
    painter.limb(x, shoulder - 0.04 * u, 0, x * 1.1, 1.12 * u, handZ * 0.4, 0.06 * u, 0.055 * u, look.top, {
      shade: 0.86,
    });
    painter.limb(
      x * 1.1,
      1.12 * u,
      handZ * 0.4,
      x * 1.12,
      0.86 * u,
      handZ,
      0.05 * u,
      0.04 * u,
      look.dress === 'trousers' ? look.skin : look.top,
      { shade: 0.9 },
    );
    painter.ball(x * 1.12, 0.82 * u, handZ, 0.05 * u, look.skin);
  };
  const leg = (side: number, sway: number): void => {
    const x = side * 0.1 * u;
    const footZ = sway * 0.7 * u;
    const lift = Math.max(0, -sway) * 0.12 * u;
    const shade = side === near ? 1 : 0.8;
    painter.limb(x, hip, 0, x, 0.48 * u + lift, footZ * 0.45 + 0.03, 0.095 * u, 0.07 * u, look.legs, {
      shade,
    });
    painter.limb(
      x,
      0.48 * u + lift,
      footZ * 0.45 + 0.03,
      x,
      0.09 * u + lift,
      footZ,
      0.068 * u,
      0.05 * u,
      look.dress === 'skirt' ? look.skin : look.legs,
      { shade },
    );
    painter.limb(
      x,
      0.045 * u + lift,
      footZ - 0.04,
      x,
      0.04 * u + lift,
      footZ + 0.16 * u,
      0.05 * u,
      0.045 * u,
      0x1a1614,
    );
  };
  arm(-near, -near * -swing);
  leg(-near, near * -swing);
  leg(near, near * swing);
  painter.limb(0, hip + 0.02, 0, 0, shoulder - 0.1 * u, 0, 0.16 * u, 0.19 * u, look.top);
  painter.limb(
    -0.17 * u,
    shoulder - 0.06 * u,
    0,
    0.17 * u,
    shoulder - 0.06 * u,
    0,
    0.075 * u,
    0.075 * u,
    look.top,
  );
  if (look.dress === 'skirt') painter.limb(0, hip + 0.05, 0, 0, 0.6 * u, 0, 0.16 * u, 0.24 * u, look.legs);
  else if (look.dress === 'coat')
    painter.limb(0, hip + 0.1, 0, 0, 0.68 * u, 0, 0.19 * u, 0.2 * u, look.top, { shade: 0.92 });
  else painter.limb(-0.08 * u, hip, 0, 0.08 * u, hip, 0, 0.11 * u, 0.11 * u, look.legs);
  if (look.bag) painter.limb(0, 1.3 * u, -0.2 * u, 0, 1.05 * u, -0.22 * u, 0.13 * u, 0.15 * u, 0x6a4a2a);
  arm(near, near * -swing);
  paintHead(painter, look, 1.6 * u, 0, u);
}

/** Neck, head and hair with the chin's base at (0, y - 0.15 u, z). */
export function paintHead(painter: Painter, look: PersonLook, y: number, z: number, u: number): void {
  painter.limb(0, y - 0.2 * u, z, 0, y - 0.08 * u, z, 0.055 * u, 0.055 * u, look.skin, { shade: 0.85 });
  const fromFront = painter.faces(0, y, z, 0, 0, 1);
  if (fromFront) {
    painter.ball(0, y + 0.03 * u, z - 0.02, 0.118 * u, look.hair, {}, 1.12);
    painter.ball(0, y - 0.005 * u, z + 0.05, 0.1 * u, look.skin, {}, 1.15);
  } else {
    painter.ball(0, y, z + 0.05, 0.1 * u, look.skin, {}, 1.2);
    painter.ball(0, y + 0.03 * u, z - 0.03, 0.116 * u, look.hair, {}, 1.1);
  }
  if (look.hat)
    painter.limb(-0.11 * u, y + 0.09 * u, z, 0.11 * u, y + 0.09 * u, z, 0.06 * u, 0.06 * u, look.top, {
      shade: 0.8,
    });
}

/** Contact points of a rider on the bicycle or motorcycle (z, y in its frame). */
export interface Seat {
  readonly hip: readonly [number, number];
  readonly hand: readonly [number, number];
  readonly handX: number;
  readonly foot: readonly [number, number];
  readonly footX: number;
  /** distance of the shoulders ahead of the hip, meters */
  readonly lean: number;
  /** pedal half-length, 0 for foot pegs */
  readonly pedal: number;
  readonly helmet: Color | undefined;
}

/** A rider on a bicycle or motorcycle. */
export function paintRider(painter: Painter, look: PersonLook, seat: Seat, t: number): void {
  const u = look.height / 1.75;
  const [hipZ, hipY] = seat.hip;
  const shoulderZ = hipZ + seat.lean;
  const shoulderY = hipY + Math.sqrt(Math.max(0.05, 0.27 - seat.lean * seat.lean)) * u;
  const near = painter.faces(0, 1, 0, 1, 0, 0) ? 1 : -1;
  const leg = (side: number): void => {
    const turn = look.phase + t * 7 + (side > 0 ? 3.1416 : 0);
    const footZ = seat.foot[0] + seat.pedal * sine(turn);
    const footY = seat.foot[1] + seat.pedal * sine(turn + 1.5708);
    const kneeZ = (hipZ + footZ) / 2 + 0.24 * u;
    const kneeY = (hipY + footY) / 2 + 0.1 * u;
    const x = side * seat.footX;
    const shade = side === near ? 1 : 0.8;
    painter.limb(side * 0.1, hipY, hipZ, x, kneeY, kneeZ, 0.1 * u, 0.075 * u, look.legs, { shade });
    painter.limb(x, kneeY, kneeZ, x, footY + 0.06, footZ - 0.03, 0.07 * u, 0.05 * u, look.legs, { shade });
    painter.limb(x, footY + 0.02, footZ - 0.06, x, footY + 0.02, footZ + 0.14, 0.05, 0.045, 0x1a1614);
  };
  const arm = (side: number): void => {
    const x = side * seat.handX;
    const shade = side === near ? 0.9 : 0.75;
    const elbowY = (shoulderY + seat.hand[1]) / 2 - 0.06;
    const elbowZ = (shoulderZ + seat.hand[0]) / 2 - 0.04;
    painter.limb(side * 0.19 * u, shoulderY, shoulderZ, x, elbowY, elbowZ, 0.065 * u, 0.055 * u, look.top, {
      shade,
    });
    painter.limb(x, elbowY, elbowZ, x, seat.hand[1], seat.hand[0], 0.055 * u, 0.045 * u, look.top, { shade });
    painter.ball(x, seat.hand[1], seat.hand[0], 0.05, look.skin);
  };
  const torso = (): void => {
    painter.limb(0, hipY + 0.04, hipZ, 0, shoulderY - 0.06, shoulderZ, 0.15 * u, 0.18 * u, look.top);
    painter.limb(
      -0.16 * u,
      shoulderY - 0.02,
      shoulderZ,
      0.16 * u,
      shoulderY - 0.02,
      shoulderZ,
      0.08 * u,
      0.08 * u,
      look.top,
    );
  };
  const head = (): void => {
    const y = shoulderY + 0.26 * u;
    const z = shoulderZ + seat.lean * 0.25;
    paintHead(painter, look, y, z, u);
    if (seat.helmet !== undefined) {
      painter.ball(0, y + 0.05 * u, z - 0.01, 0.14 * u, seat.helmet);
      if (seat.pedal === 0) painter.ball(0, y + 0.02, z, 0.15 * u, seat.helmet, {}, 1.1);
      if (seat.pedal === 0 && painter.faces(0, y, z, 0, 0, 1))
        painter.ball(0, y + 0.01, z + 0.1, 0.1 * u, 0x20262c, {}, 0.6);
    }
  };
  leg(-near);
  arm(-near);
  if (painter.faces(0, 1, 0, 0, 0, 1)) {
    torso();
    head();
    leg(near);
    arm(near);
  } else {
    leg(near);
    arm(near);
    torso();
    head();
  }
}
