import type { Random } from '../../core/random.ts';
import type { Color } from '../drawing/atmosphere.ts';
import type { Painter } from '../drawing/painter.ts';

const WALLS = [
  0xb89880, 0x9c8a78, 0xc8bca8, 0x8a6858, 0xa8a8a4, 0xd4c8b0, 0x787c84, 0xb07860, 0xc8d0d0,
] as const;
const AWNINGS = [0xa03030, 0x306848, 0x304878, 0xb88830] as const;

export interface BuildingLook {
  /** along the road, meters */
  readonly length: number;
  readonly height: number;
  readonly wall: Color;
  readonly pitch: number;
  readonly storey: number;
  readonly shop: boolean;
  readonly awning: Color;
  /** which windows are lit at night */
  readonly lit: number;
}

export function sampleBuilding(random: Random, length: number): BuildingLook {
  return {
    length,
    height: random.range(6, 19),
    wall: random.pick(WALLS),
    pitch: random.range(2, 3.4),
    storey: random.range(2.8, 3.6),
    shop: random.chance(0.6),
    awning: random.pick(AWNINGS),
    lit: random.int(0, 1 << 20),
  };
}

/**
 * A facade at x = 0 that faces `side` (-1 left, 1 right), from z = 0 to its length, with the end wall nearest
 * the camera.
 */
export function paintBuilding(painter: Painter, look: BuildingLook, side: number, lamps: number): void {
  const { length, height } = look;
  const deep = -side * 9;
  painter.polygon([0, 0, 0, deep, 0, 0, deep, height, 0, 0, height, 0], look.wall, {
    shade: painter.shadeOf(0, 0, -1) * 0.92,
  });
  const shade = painter.shadeOf(side, 0, 0);
  painter.onSide(0, [0, 0, length, 0, length, height, 0, height], look.wall, { shade });
  painter.onSide(0, [0, height - 0.4, length, height - 0.4, length, height, 0, height], look.wall, {
    shade: shade * 0.8,
  });
  const columns = Math.floor(length / look.pitch);
  const rows = Math.floor((height - 0.6) / look.storey);
  for (let row = look.shop ? 1 : 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const z = (column + 0.25) * (length / columns);
      const y = row * look.storey + 0.9;
      const on = lamps > 0.2 && ((look.lit >> ((row * 7 + column * 3) % 20)) & 1) === 1;
      painter.onSide(
        side * 0.02,
        [z, y, z + look.pitch * 0.5, y, z + look.pitch * 0.5, y + 1.5, z, y + 1.5],
        on ? 0xe8c070 : 0x3c4a58,
        on ? { emissive: true, shade: 0.8 } : { shade },
      );
    }
  }
  if (look.shop) {
    painter.onSide(
      side * 0.02,
      [0.4, 0.4, length - 0.4, 0.4, length - 0.4, 2.5, 0.4, 2.5],
      lamps > 0.2 ? 0xd8c088 : 0x46525c,
      lamps > 0.2 ? { emissive: true, shade: 0.7 } : { shade },
    );
    painter.polygon(
      [0, 3, 0.3, side * 1, 2.6, 0.3, side * 1, 2.6, length - 0.3, 0, 3, length - 0.3],
      look.awning,
      { shade },
    );
  }
}

export interface TreeLook {
  readonly height: number;
  readonly crown: Color;
  readonly conifer: boolean;
  readonly lumps: readonly (readonly [number, number, number])[];
}

export function sampleTree(random: Random): TreeLook {
  const height = random.range(4, 7.5);
  return {
    height,
    crown: random.pick([0x3c6a2c, 0x4a7c34, 0x2f5a30, 0x6a8438, 0x8a7a34] as const),
    conifer: random.chance(0.2),
    lumps: Array.from(
      { length: 6 },
      () => [random.range(-0.9, 0.9), random.range(-0.7, 0.9), random.range(0.75, 1.25)] as const,
    ),
  };
}

export function paintTree(painter: Painter, look: TreeLook): void {
  const { height } = look;
  painter.limb(0, 0, 0, 0, height * 0.6, 0, 0.16, 0.1, 0x4e3c2c);
  if (look.conifer) {
    for (let i = 0; i < 3; i += 1) {
      const y = height * (0.25 + 0.22 * i);
      const w = 1.5 - 0.38 * i;
      painter.onEnd(0, [-w, y, w, y, 0, y + height * 0.4], look.crown, { shade: 0.85 + 0.12 * i });
    }
    return;
  }
  look.lumps.forEach(([x, y, r], index) => {
    painter.ball(x, height * 0.72 + y, 0, r, look.crown, { shade: 0.78 + 0.07 * index });
  });
}

export function paintLampPost(painter: Painter, side: number, lamps: number): void {
  painter.limb(0, 0, 0, 0, 6, 0, 0.08, 0.06, 0x50565c);
  painter.limb(0, 6, 0, side * 1.4, 6.3, 0, 0.05, 0.05, 0x50565c);
  painter.limb(side * 1.1, 6.25, 0, side * 1.6, 6.25, 0, 0.09, 0.09, lamps > 0.2 ? 0xfff0c0 : 0xa0a4a8, {
    emissive: lamps > 0.2,
  });
  painter.glow(side * 1.4, 6.2, 0, 1.8, 0xffd890, lamps * 0.6);
}

/** Street furniture: bin, hydrant, bench, letter box, bollard. */
export function paintFurniture(painter: Painter, kind: number): void {
  if (kind === 0) {
    painter.limb(0, 0.15, 0, 0, 0.8, 0, 0.22, 0.24, 0x2c5038);
    painter.limb(-0.2, 0.85, 0, 0.2, 0.85, 0, 0.06, 0.06, 0x202a24);
  } else if (kind === 1) {
    painter.limb(0, 0.1, 0, 0, 0.6, 0, 0.12, 0.1, 0xc03020);
    painter.limb(-0.18, 0.42, 0, 0.18, 0.42, 0, 0.06, 0.06, 0xb02818);
  } else if (kind === 2) {
    for (const z of [-0.7, 0.7]) painter.limb(0, 0, z, 0, 0.45, z, 0.04, 0.04, 0x303030);
    painter.polygon([-0.25, 0.45, -0.9, 0.25, 0.45, -0.9, 0.25, 0.45, 0.9, -0.25, 0.45, 0.9], 0x8a6238);
    painter.polygon([0.25, 0.5, -0.9, 0.25, 0.9, -0.9, 0.25, 0.9, 0.9, 0.25, 0.5, 0.9], 0x9a7040);
  } else if (kind === 3) {
    painter.rect(0, -0.25, 0.5, 0.25, 1.2, 0x204890);
    painter.limb(-0.2, 0, 0, -0.2, 0.5, 0, 0.03, 0.03, 0x303030);
    painter.limb(0.2, 0, 0, 0.2, 0.5, 0, 0.03, 0.03, 0x303030);
  } else {
    painter.limb(0, 0.06, 0, 0, 0.85, 0, 0.07, 0.07, 0x484c50);
  }
}
