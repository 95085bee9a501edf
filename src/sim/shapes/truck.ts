import type { Random } from '../../core/random.ts';
import type { Color } from '../drawing/atmosphere.ts';
import type { Painter } from '../drawing/painter.ts';
import { paintAxle, paintHull, paintOnSides } from './hull.ts';

const CABS = [0xd0d4d8, 0xb02020, 0x1c4890, 0x208048, 0xe09020, 0x303438] as const;
const BOXES = [0xf0f0ee, 0xdcdcd6, 0xb8bec4, 0x8a5a30, 0x4a6a90, 0xc8b890] as const;

export interface TruckLook {
  /** length of the cargo box in meters */
  readonly cargo: number;
  readonly boxTop: number;
  readonly cab: Color;
  readonly box: Color;
  readonly kind: 'box' | 'dump' | 'tank';
}

export function sampleTruck(random: Random): TruckLook {
  return {
    cargo: random.range(4.2, 6.8),
    boxTop: random.range(3.1, 3.6),
    cab: random.pick(CABS),
    box: random.pick(BOXES),
    kind: random.chance(0.7) ? 'box' : random.chance(0.6) ? 'dump' : 'tank',
  };
}

export function truckLength(look: TruckLook): number {
  return look.cargo + 2.3;
}

export function paintTruck(painter: Painter, look: TruckLook, lights: number): void {
  const h = truckLength(look) / 2;
  const w = 1.22;
  const split = -h + look.cargo;
  const rearAxle = -h + 1.3;
  paintAxle(painter, rearAxle, 0.5, w - 0.04, 0.45, 0x808488);
  if (look.cargo > 5.2) paintAxle(painter, rearAxle + 1.15, 0.5, w - 0.04, 0.45, 0x808488);
  paintAxle(painter, h - 0.75, 0.5, w - 0.04, 0.32, 0x808488);
  const chassis = (): void =>
    paintHull(painter, [-h + 0.1, 0.55, h - 0.3, 0.55, h - 0.3, 0.95, -h + 0.1, 0.95], () => 0.9, 0x2a2c30);
  const cargo = (): void => paintCargo(painter, look, -h, split, w);
  const cab = (): void => paintCab(painter, look, split + 0.25, h, w - 0.08, lights);
  chassis();
  if (painter.distanceTo(0, h) > painter.distanceTo(0, -h)) {
    cab();
    cargo();
  } else {
    cargo();
    cab();
  }
  if (painter.faces(0, 1, -h, 0, 0, -1)) {
    painter.rect(-h, -w, 0.5, w, 0.68, 0x303236);
    for (const x of [-w, -0.2, w - 0.4]) painter.rect(-h - 0.01, x, 0.52, x + 0.4, 0.66, 0xd83020);
    painter.rect(-h, -w + 0.05, 0.72, -w + 0.4, 0.9, lights > 0.2 ? 0xff3020 : 0xb01818, {
      emissive: lights > 0.2,
    });
    painter.rect(-h, w - 0.4, 0.72, w - 0.05, 0.9, lights > 0.2 ? 0xff3020 : 0xb01818, {
      emissive: lights > 0.2,
    });
  }
}

function paintCargo(painter: Painter, look: TruckLook, back: number, front: number, w: number): void {
  const floor = 1.0;
  if (look.kind === 'dump') {
    const rim = look.boxTop - 1;
    paintHull(
      painter,
      [back, floor, front, floor, front + 0.1, rim + 0.2, back - 0.1, rim],
      () => w,
      look.box === 0xf0f0ee ? 0xd08a20 : look.box,
    );
    for (let z = back + 0.6; z < front; z += 0.9) {
      paintOnSides(painter, [z, floor, z + 0.12, floor, z + 0.12, rim, z, rim], () => w * 1.01, 0x4a4038);
    }
    paintHull(
      painter,
      [back + 0.4, rim, front - 0.3, rim, front - 1.2, rim + 0.55, back + 1.4, rim + 0.5],
      () => w * 0.8,
      0x6a5238,
    );
    return;
  }
  if (look.kind === 'tank') {
    const mid = (floor + look.boxTop - 0.3) / 2;
    const widthAt = (y: number): number => w * (1 - 0.35 * Math.abs(y - mid));
    const top = look.boxTop - 0.3;
    paintHull(
      painter,
      [
        back,
        floor + 0.3,
        back + 0.2,
        floor,
        front - 0.2,
        floor,
        front,
        floor + 0.3,
        front,
        top - 0.3,
        front - 0.2,
        top,
        back + 0.2,
        top,
        back,
        top - 0.3,
      ],
      widthAt,
      0xc4c8cc,
    );
    paintOnSides(
      painter,
      [back, mid - 0.12, front, mid - 0.12, front, mid + 0.12, back, mid + 0.12],
      widthAt,
      0xd04020,
    );
    return;
  }
  paintHull(painter, [back, floor, front, floor, front, look.boxTop, back, look.boxTop], () => w, look.box);
  paintOnSides(
    painter,
    [back, floor, front, floor, front, floor + 0.14, back, floor + 0.14],
    () => w * 1.002,
    0x50545a,
  );
  paintOnSides(
    painter,
    [
      back + look.cargo * 0.2,
      1.7,
      front - look.cargo * 0.2,
      1.7,
      front - look.cargo * 0.25,
      2.5,
      back + look.cargo * 0.25,
      2.5,
    ],
    () => w * 1.002,
    look.cab,
  );
  if (painter.faces(0, 1, back, 0, 0, -1)) {
    painter.rect(back, -0.03, floor, 0.03, look.boxTop, 0x54585c);
    for (const x of [-0.5, 0.42]) painter.rect(back, x, floor + 0.1, x + 0.06, look.boxTop - 0.1, 0x8a8e92);
    painter.rect(back, -w, look.boxTop - 0.12, w, look.boxTop, 0x70747a);
    painter.rect(back, -w, floor, -w + 0.1, look.boxTop, 0x70747a);
    painter.rect(back, w - 0.1, floor, w, look.boxTop, 0x70747a);
  }
}

function paintCab(
  painter: Painter,
  look: TruckLook,
  back: number,
  front: number,
  w: number,
  lights: number,
): void {
  const top = 2.75;
  paintHull(painter, [back, 0.6, front, 0.6, front, 1.5, front - 0.25, top, back, top], () => w, look.cab, {
    2: 0x2a3640,
  });
  paintOnSides(
    painter,
    [front - 1.15, 1.6, front - 0.18, 1.6, front - 0.34, 2.4, front - 1.15, 2.4],
    () => w * 1.004,
    0x2a3640,
  );
  for (const side of [-1, 1]) {
    if (!painter.faces(side * w, 0.8, 0, side, 0, 0)) continue;
    painter.wheelDisc(side * w * 1.03, 0.5, front - 0.75, 0.58, 0, 0x0c0c0e);
    painter.wheelDisc(side * w * 1.04, 0.5, front - 0.75, 0.3, 0, 0x9a9ea2);
  }
  if (!painter.faces(0, 1, front, 0, 0, 1)) return;
  painter.rect(front, -w + 0.25, 0.95, w - 0.25, 1.45, 0x1c1e22);
  for (const y of [1.05, 1.18, 1.31]) painter.rect(front, -w + 0.3, y, w - 0.3, y + 0.05, 0x9a9ea4);
  painter.rect(front, -w, 0.55, w, 0.8, 0x2a2c30);
  painter.rect(front, -w + 0.08, 0.6, -w + 0.42, 0.78, 0xfff6dc, { emissive: lights > 0.2 });
  painter.rect(front, w - 0.42, 0.6, w - 0.08, 0.78, 0xfff6dc, { emissive: lights > 0.2 });
  painter.glow(-w + 0.25, 0.7, front, 0.8, 0xfff0c8, lights * 0.8);
  painter.glow(w - 0.25, 0.7, front, 0.8, 0xfff0c8, lights * 0.8);
}
