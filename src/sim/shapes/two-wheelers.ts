import type { Random } from '../../core/random.ts';
import type { Color } from '../drawing/atmosphere.ts';
import type { Painter } from '../drawing/painter.ts';
import type { Seat } from './person.ts';

const FRAMES = [0xd02828, 0x2060c8, 0x18a058, 0xf0b020, 0x202428, 0xe8e8e8, 0x20b0c0, 0xe06020] as const;
const TANKS = [0xc01c20, 0x1840a0, 0x18181c, 0xe8e8e8, 0x207840, 0xe08018] as const;

export interface BicycleLook {
  readonly frame: Color;
  readonly basket: boolean;
}

export function sampleBicycle(random: Random): BicycleLook {
  return { frame: random.pick(FRAMES), basket: random.chance(0.3) };
}

const WHEEL = 0.35;

/** Thin wheels and a bright frame of tubes; 1.75 m long. */
export function paintBicycle(painter: Painter, look: BicycleLook): void {
  const front = 0.54;
  const back = -0.52;
  for (const z of painter.faces(0, 1, 0, 0, 0, 1) ? [back, front] : [front, back]) {
    painter.wheelDisc(0, WHEEL, z, WHEEL, WHEEL - 0.05, 0x18181a);
    painter.limb(0, 0.03, z, 0, 2 * WHEEL - 0.03, z, 0.022, 0.022, 0x18181a);
    for (let i = 0; i < 3; i += 1) {
      const dy = [0.3, 0.15, -0.15][i]!;
      const dz = [0, 0.26, 0.26][i]!;
      painter.limb(0, WHEEL - dy, z - dz, 0, WHEEL + dy, z + dz, 0.006, 0.006, 0x9a9ea2, { alpha: 0.7 });
    }
  }
  const tube = 0.028;
  const f = look.frame;
  painter.limb(0, WHEEL, back, 0, 0.3, -0.05, tube, tube, f);
  painter.limb(0, WHEEL, back, 0, 0.82, -0.2, tube, tube, f);
  painter.limb(0, 0.3, -0.05, 0, 0.86, -0.22, tube, tube, f);
  painter.limb(0, 0.3, -0.05, 0, 0.8, 0.36, tube, tube, f);
  painter.limb(0, 0.8, -0.2, 0, 0.88, 0.34, tube, tube, f);
  painter.limb(0, 0.95, 0.33, 0, WHEEL, front, tube, tube, f);
  painter.limb(0, 0.9, -0.3, 0, 0.93, -0.1, 0.05, 0.04, 0x141414);
  painter.limb(0, 0.95, 0.33, 0, 1.04, 0.34, 0.022, 0.022, 0x303236);
  painter.limb(-0.29, 1.04, 0.34, 0.29, 1.04, 0.34, 0.024, 0.024, 0x26282c);
  painter.wheelDisc(0.02, 0.3, -0.05, 0.09, 0.05, 0x505458);
  painter.limb(-0.09, 0.2, -0.05, 0.09, 0.4, -0.05, 0.02, 0.02, 0x303236);
  if (look.basket) {
    painter.polygon([-0.18, 0.98, 0.42, 0.18, 0.98, 0.42, 0.15, 0.74, 0.46, -0.15, 0.74, 0.46], 0xa07c48);
    painter.polygon([0, 0.98, 0.4, 0, 0.98, 0.68, 0, 0.74, 0.62, 0, 0.74, 0.44], 0xb08a54);
  }
}

export function bicycleSeat(helmet: Color | undefined): Seat {
  return {
    hip: [-0.2, 1.0],
    hand: [0.34, 1.06],
    handX: 0.26,
    foot: [-0.05, 0.28],
    footX: 0.12,
    lean: 0.26,
    pedal: 0.16,
    helmet,
  };
}

export interface MotorcycleLook {
  readonly tank: Color;
  readonly scooter: boolean;
}

export function sampleMotorcycle(random: Random): MotorcycleLook {
  return { tank: random.pick(TANKS), scooter: random.chance(0.3) };
}

/** Fat tires and a massive body; 2.1 m long. */
export function paintMotorcycle(painter: Painter, look: MotorcycleLook, lights: number): void {
  const radius = look.scooter ? 0.26 : 0.32;
  const front = 0.72;
  const back = -0.68;
  const fromFront = painter.faces(0, 1, 0, 0, 0, 1);
  const wheel = (z: number): void => {
    painter.limb(0, 0.09, z, 0, 2 * radius - 0.07, z, 0.085, 0.085, 0x151517);
    painter.wheelDisc(0, radius, z, radius, radius * 0.56, 0x151517);
    painter.wheelDisc(0, radius, z, radius * 0.58, radius * 0.3, 0x7c8084);
    painter.wheelDisc(0, radius, z, radius * 0.3, 0, 0x2a2c30);
  };
  const near = painter.faces(0, 1, 0, 1, 0, 0) ? 1 : -1;
  const frontEnd = (): void => {
    wheel(front);
    for (const side of [-near, near])
      painter.limb(side * 0.1, 0.95, 0.42, side * 0.1, radius, front, 0.04, 0.04, 0xa8acb0);
    painter.limb(
      0,
      radius * 2 + 0.02,
      front - 0.12,
      0,
      radius * 2 + 0.02,
      front + 0.14,
      0.06,
      0.05,
      look.tank,
    );
    painter.limb(-0.36, 1.06, 0.36, 0.36, 1.06, 0.36, 0.03, 0.03, 0x1c1c20);
    painter.ball(0, 0.92, 0.52, 0.13, look.tank);
    if (fromFront) {
      painter.ball(0, 0.9, 0.58, 0.095, 0xfff6d8, { emissive: lights > 0.2 });
      painter.glow(0, 0.9, 0.6, 0.9, 0xfff0c8, lights * 0.9);
      for (const side of [-1, 1]) painter.ball(side * 0.36, 1.22, 0.34, 0.06, 0x30343a);
    }
  };
  const rearEnd = (): void => {
    wheel(back);
    painter.limb(0, 0.78, -0.5, 0, 0.72, -0.92, 0.1, 0.07, look.tank);
    painter.limb(near * 0.16, 0.38, 0.05, near * 0.18, 0.42, -0.85, 0.05, 0.07, 0xb4b8bc);
    if (!fromFront) {
      painter.limb(-0.1, 0.78, -0.95, 0.1, 0.78, -0.95, 0.055, 0.055, lights > 0.2 ? 0xff3020 : 0xc01818, {
        emissive: lights > 0.2,
      });
      painter.rect(-0.98, -0.11, 0.5, 0.11, 0.66, 0xe8e8e0);
    }
  };
  const body = (): void => {
    if (look.scooter) {
      painter.limb(0, 0.32, -0.6, 0, 0.3, 0.3, 0.14, 0.12, look.tank);
      painter.limb(0, 0.4, 0.36, 0, 0.9, 0.42, 0.18, 0.12, look.tank);
      painter.limb(0, 0.55, -0.62, 0, 0.58, -0.2, 0.2, 0.18, look.tank);
    } else {
      painter.limb(0, 0.42, -0.18, 0, 0.42, 0.28, 0.19, 0.2, 0x50545a);
      painter.limb(0, 0.6, -0.1, 0, 0.62, 0.22, 0.1, 0.1, 0x888c92);
      painter.limb(0, 0.55, -0.55, 0, 0.66, -0.1, 0.1, 0.14, 0x26282c);
      painter.limb(0, 0.84, -0.02, 0, 0.88, 0.32, 0.15, 0.17, look.tank);
    }
    painter.limb(0, 0.8, -0.55, 0, 0.78, -0.05, 0.1, 0.1, 0x161618);
  };
  if (fromFront) {
    rearEnd();
    body();
    frontEnd();
  } else {
    frontEnd();
    body();
    rearEnd();
  }
}

export function motorcycleSeat(helmet: Color): Seat {
  return {
    hip: [-0.25, 0.86],
    hand: [0.36, 1.06],
    handX: 0.32,
    foot: [-0.08, 0.34],
    footX: 0.2,
    lean: 0.2,
    pedal: 0,
    helmet,
  };
}
