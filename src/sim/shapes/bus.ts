import type { Random } from '../../core/random.ts';
import type { Color } from '../drawing/atmosphere.ts';
import type { Painter } from '../drawing/painter.ts';
import { paintAxle, paintHull, paintOnSides } from './hull.ts';

const LIVERIES = [0xc8202c, 0xe8a018, 0x1e6fb8, 0x2c9050, 0xe9ecef, 0xd86018, 0x6a3a90] as const;

export interface BusLook {
  readonly length: number;
  readonly livery: Color;
  readonly stripe: Color;
}

export function sampleBus(random: Random): BusLook {
  return {
    length: random.range(9, 11.5),
    livery: random.pick(LIVERIES),
    stripe: random.pick([0xffffff, 0x202428, 0xf0d040] as const),
  };
}

export function paintBus(painter: Painter, look: BusLook, lights: number): void {
  const h = look.length / 2;
  const w = 1.25;
  const top = 3.05;
  const glass = 0x2a3640;
  const widthAt = (): number => w;
  paintAxle(painter, -h + 2.2, 0.48, w - 0.02, 0.3, 0x888c90);
  paintAxle(painter, h - 2.4, 0.48, w - 0.02, 0.3, 0x888c90);
  paintHull(
    painter,
    [-h, 0.34, h, 0.34, h, 1.1, h - 0.06, top - 0.1, h - 0.2, top, -h + 0.15, top, -h, top - 0.15],
    widthAt,
    look.livery,
    {
      0: 0x101010,
      3: look.livery,
    },
  );
  paintOnSides(painter, [-h, 0.72, h, 0.72, h, 0.98, -h, 0.98], widthAt, look.stripe);
  const panes = Math.round(look.length / 1.5);
  const pitch = (look.length - 0.5) / panes;
  for (let i = 0; i < panes; i += 1) {
    const z = -h + 0.25 + i * pitch;
    paintOnSides(
      painter,
      [z + 0.06, 1.4, z + pitch - 0.06, 1.4, z + pitch - 0.06, 2.45, z + 0.06, 2.45],
      widthAt,
      lights > 0.5 ? 0xd8c890 : glass,
    );
  }
  for (const z of [h - 1.2, 0.3]) {
    if (painter.faces(w, 1, 0, 1, 0, 0)) {
      painter.onSide(w * 1.004, [z - 0.55, 0.42, z + 0.55, 0.42, z + 0.55, 2.5, z - 0.55, 2.5], 0x38444e);
      painter.onSide(w * 1.006, [z - 0.03, 0.42, z + 0.03, 0.42, z + 0.03, 2.5, z - 0.03, 2.5], look.livery);
    }
  }
  for (const z of [-h + 2.2, h - 2.4]) {
    for (const side of [-1, 1]) {
      if (!painter.faces(side * w, 0.8, 0, side, 0, 0)) continue;
      painter.wheelDisc(side * w * 1.004, 0.48, z, 0.54, 0, 0x0c0c0e);
      painter.wheelDisc(side * w * 1.008, 0.48, z, 0.3, 0, 0x9a9ea2);
    }
  }
  if (painter.faces(0, 1, h, 0, 0, 1)) {
    painter.rect(h - 0.02, -w + 0.08, 1.15, w - 0.08, 2.4, 0x303e4a);
    painter.rect(h - 0.02, -0.03, 1.15, 0.03, 2.4, 0x202428);
    painter.rect(h - 0.02, -w + 0.2, 2.5, w - 0.2, 2.86, 0x14161a);
    painter.rect(h - 0.02, -w + 0.4, 2.58, w - 0.5, 2.78, 0xffb020, { emissive: true });
    painter.rect(h, -w + 0.1, 0.62, -w + 0.5, 0.86, 0xfff6dc, { emissive: lights > 0.2 });
    painter.rect(h, w - 0.5, 0.62, w - 0.1, 0.86, 0xfff6dc, { emissive: lights > 0.2 });
    painter.rect(h, -w, 0.34, w, 0.52, 0x202226);
    painter.glow(-w + 0.3, 0.74, h, 0.8, 0xfff0c8, lights * 0.8);
    painter.glow(w - 0.3, 0.74, h, 0.8, 0xfff0c8, lights * 0.8);
  }
  if (painter.faces(0, 1, -h, 0, 0, -1)) {
    painter.rect(-h, -w + 0.15, 1.6, w - 0.15, 2.5, 0x303e4a);
    painter.rect(-h, -w + 0.3, 2.6, w - 0.3, 2.84, 0x14161a);
    painter.rect(-h, -0.4, 2.65, 0.4, 2.79, 0xffb020, { emissive: true });
    painter.rect(-h, -w, 0.34, w, 0.56, 0x202226);
    painter.rect(-h, -w + 0.06, 0.7, -w + 0.3, 1.3, lights > 0.2 ? 0xff3020 : 0xb01818, {
      emissive: lights > 0.2,
    });
    painter.rect(-h, w - 0.3, 0.7, w - 0.06, 1.3, lights > 0.2 ? 0xff3020 : 0xb01818, {
      emissive: lights > 0.2,
    });
    painter.rect(-h, -0.7, 0.75, 0.7, 1.25, 0x3a3e42);
  }
}
