import type { Random } from '../../core/random.ts';
import type { Color } from '../drawing/atmosphere.ts';
import type { Painter } from '../drawing/painter.ts';
import { paintAxle, paintHull, paintOnSides } from './hull.ts';

const PAINTS = [
  0xb3202a, 0x1f4fa0, 0xe8e8e6, 0xc9ccd0, 0x2a2c30, 0x6d7278, 0x2f6b3c, 0xd8a21e, 0x7a2e1c, 0x3d8fc4,
  0x8c8373, 0xf2f2f2,
] as const;

/** Dimensions of a passenger car in meters, and its paint. */
export interface CarLook {
  readonly length: number;
  readonly halfWidth: number;
  readonly belt: number;
  readonly roof: number;
  /** 0 hatchback .. 1 long trunk */
  readonly trunk: number;
  readonly paint: Color;
  readonly taxi: boolean;
}

export function sampleCar(random: Random): CarLook {
  const kind = random.pick(['sedan', 'hatch', 'suv'] as const);
  const tall = kind === 'suv' ? 0.22 : 0;
  return {
    length: kind === 'hatch' ? random.range(3.7, 4.1) : random.range(4.3, 4.8),
    halfWidth: random.range(0.84, 0.92),
    belt: random.range(0.86, 0.94) + tall,
    roof: random.range(1.4, 1.48) + tall * 1.2,
    trunk: kind === 'sedan' ? random.range(0.7, 1) : random.range(0, 0.15),
    paint: random.pick(PAINTS),
    taxi: random.chance(0.05),
  };
}

/** @param lights brightness of the lamps, 0..1 */
export function paintCar(painter: Painter, look: CarLook, lights: number): void {
  const h = look.length / 2;
  const { halfWidth, belt, roof, trunk } = look;
  const paint = look.taxi ? 0xf0b818 : look.paint;
  const glass = 0x27323c;
  const widthAt = (y: number): number =>
    y <= belt ? halfWidth : halfWidth - ((y - belt) / (roof - belt)) * 0.2;
  paintAxle(painter, -h + 0.75, 0.32, halfWidth - 0.02, 0.22, 0xa8acb0);
  paintAxle(painter, h - 0.8, 0.32, halfWidth - 0.02, 0.22, 0xa8acb0);
  const deck = -h + 0.12 + 0.75 * trunk;
  const roofBack = deck + 0.45 + 0.15 * trunk;
  const cowl = h - 1.25;
  const roofFront = cowl - 0.75;
  const outline = [
    -h + 0.05,
    0.24,
    h - 0.05,
    0.24,
    h,
    0.5,
    h - 0.08,
    belt - 0.16,
    cowl,
    belt,
    roofFront,
    roof,
    roofBack,
    roof - 0.02,
    deck,
    belt + 0.04,
    -h + 0.02,
    belt - 0.02,
    -h,
    0.5,
  ];
  paintHull(painter, outline, widthAt, paint, { 0: 0x111111, 4: glass, 6: glass });
  const y0 = belt + 0.03;
  const y1 = roof - 0.09;
  const pillar = (roofBack + roofFront) / 2 - 0.1;
  paintOnSides(
    painter,
    [deck + 0.12, y0, pillar - 0.04, y0, pillar - 0.04, y1, roofBack + 0.04, y1],
    widthAt,
    glass,
  );
  paintOnSides(
    painter,
    [pillar + 0.04, y0, cowl - 0.1, y0, roofFront - 0.02, y1, pillar + 0.04, y1],
    widthAt,
    glass,
  );
  paintOnSides(painter, [-h + 0.1, 0.24, h - 0.1, 0.24, h - 0.1, 0.36, -h + 0.1, 0.36], widthAt, 0x26282b);
  // the wheels again, over the sill that the arches cut into
  for (const z of [-h + 0.75, h - 0.8]) {
    for (const side of [-1, 1]) {
      if (!painter.faces(side * halfWidth, 0.8, 0, side, 0, 0)) continue;
      painter.wheelDisc(side * halfWidth * 1.002, 0.33, z, 0.39, 0, 0x0e0e10);
      painter.wheelDisc(side * halfWidth * 1.005, 0.32, z, 0.32, 0, 0x1c1c20);
      painter.wheelDisc(side * halfWidth * 1.01, 0.32, z, 0.2, 0, 0xb4b8bc);
    }
  }
  const w = halfWidth;
  if (painter.faces(0, 0.6, -h, 0, 0, -1)) {
    const tail = { emissive: lights > 0.2 };
    painter.rect(-h, -w, 0.28, w, 0.46, 0x24262a);
    painter.rect(-h, -w + 0.02, belt - 0.28, -w + 0.34, belt - 0.1, lights > 0.2 ? 0xff3020 : 0xb01818, tail);
    painter.rect(-h, w - 0.34, belt - 0.28, w - 0.02, belt - 0.1, lights > 0.2 ? 0xff3020 : 0xb01818, tail);
    painter.rect(-h, -0.26, 0.56, 0.26, 0.68, 0xe8e8e0);
  }
  if (painter.faces(0, 0.6, h, 0, 0, 1)) {
    const lamp = { emissive: lights > 0.2 };
    painter.rect(h, -w, 0.26, w, 0.42, 0x24262a);
    painter.rect(h, -0.5, 0.48, 0.5, belt - 0.24, 0x1a1c1f);
    painter.rect(h, -w + 0.03, belt - 0.36, -w + 0.36, belt - 0.2, 0xfff8e0, lamp);
    painter.rect(h, w - 0.36, belt - 0.36, w - 0.03, belt - 0.2, 0xfff8e0, lamp);
    painter.rect(h, -0.26, 0.32, 0.26, 0.43, 0xe8e8e0);
    painter.glow(-w + 0.2, belt - 0.28, h, 0.7, 0xfff0c8, lights * 0.8);
    painter.glow(w - 0.2, belt - 0.28, h, 0.7, 0xfff0c8, lights * 0.8);
  }
  if (look.taxi) painter.rect((roofBack + roofFront) / 2, -0.25, roof, 0.25, roof + 0.16, 0xfff4c0);
}
