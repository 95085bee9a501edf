import { cosine, sine } from '../drawing/exact-math.ts';
import type { Painter } from '../drawing/painter.ts';

/** The housing of a traffic light with its base at y = 0. The pole is painted separately. */
export interface TrafficLightLook {
  /** 0 red, 1 amber, 2 green at t = 0 */
  readonly start: number;
  /** seconds per cycle */
  readonly cycle: number;
  readonly housing: number;
}

export const TRAFFIC_LIGHT_HEIGHT = 1.15;
const LAMPS = [0xff2818, 0xffb010, 0x18f060] as const;
const DARK = [0x4a1410, 0x4a3a10, 0x103a20] as const;

export function paintTrafficLight(painter: Painter, look: TrafficLightLook, t: number, lamps: number): void {
  const share = (look.start / 3 + t / look.cycle) % 1;
  const lit = share < 0.45 ? 0 : share < 0.55 ? 1 : 2;
  const w = 0.21;
  const back = painter.faces(0, 0.5, 0.1, 0, 0, 1);
  painter.limb(-0.15, 0.06, 0.1, 0.15, 0.06, 0.1, 0.06, 0.06, look.housing, { shade: 0.7 });
  painter.polygon(
    [w, 0, -0.12, w, 0, 0.14, w, TRAFFIC_LIGHT_HEIGHT, 0.14, w, TRAFFIC_LIGHT_HEIGHT, -0.12],
    look.housing,
    { shade: 0.75 },
  );
  painter.polygon(
    [-w, 0, -0.12, -w, 0, 0.14, -w, TRAFFIC_LIGHT_HEIGHT, 0.14, -w, TRAFFIC_LIGHT_HEIGHT, -0.12],
    look.housing,
    { shade: 0.75 },
  );
  if (back) {
    painter.rect(0.14, -w, 0, w, TRAFFIC_LIGHT_HEIGHT, look.housing, { shade: 0.9 });
    return;
  }
  painter.rect(-0.12, -w, 0, w, TRAFFIC_LIGHT_HEIGHT, look.housing);
  for (let i = 0; i < 3; i += 1) {
    const y = TRAFFIC_LIGHT_HEIGHT - 0.21 - i * 0.365;
    painter.frontDisc(0, y, -0.125, 0.16, 0x0a0a0a);
    if (i === lit) {
      painter.frontDisc(0, y, -0.13, 0.14, LAMPS[i] ?? 0, { emissive: true });
      painter.glow(0, y, -0.14, 0.55, LAMPS[i] ?? 0, 0.25 + 0.5 * lamps);
    } else {
      painter.frontDisc(0, y, -0.13, 0.14, DARK[i] ?? 0);
    }
  }
}

const OCTAGON = Array.from({ length: 8 }, (_, i) => {
  const angle = ((i + 0.5) / 8) * 6.283185307179586;
  return [cosine(angle), sine(angle)] as const;
});

function octagon(radius: number): number[] {
  return OCTAGON.flatMap(([c, s]) => [c * radius, s * radius]);
}

/** Strokes of the word, as x, y pairs of line segments in a box of 0..1 by 0..1 per letter. */
const LETTERS: readonly (readonly number[])[] = [
  [1, 1, 0, 1, 0, 1, 0, 0.5, 0, 0.5, 1, 0.5, 1, 0.5, 1, 0, 1, 0, 0, 0],
  [0, 1, 1, 1, 0.5, 1, 0.5, 0],
  [0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0],
  [0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0.5, 1, 0.5, 0, 0.5],
];

export const STOP_SIGN_RADIUS = 0.48;

/** The plate of a stop sign, its center at y = 0, facing -z. */
export function paintStopSign(painter: Painter): void {
  painter.onEnd(0, octagon(STOP_SIGN_RADIUS), 0xf4f0ee);
  painter.onEnd(-0.005, octagon(STOP_SIGN_RADIUS * 0.92), 0xc4141c);
  if (painter.pixelsPerMeter < 14) return;
  LETTERS.forEach((strokes, index) => {
    const left = -0.33 + index * 0.18;
    for (let i = 0; i < strokes.length; i += 4) {
      painter.limb(
        left + strokes[i]! * 0.11,
        -0.13 + strokes[i + 1]! * 0.26,
        -0.01,
        left + strokes[i + 2]! * 0.11,
        -0.13 + strokes[i + 3]! * 0.26,
        -0.01,
        0.024,
        0.024,
        0xf8f4f0,
      );
    }
  });
}

/** A round or triangular sign that is not a stop sign, as a distractor. */
export function paintOtherSign(painter: Painter, kind: number): void {
  if (kind === 0) {
    painter.frontDisc(0, 0, 0, 0.36, 0xd01820);
    painter.frontDisc(0, 0, -0.01, 0.27, 0xf4f4f0);
    painter.limb(-0.06, -0.12, -0.02, -0.06, 0.12, -0.02, 0.03, 0.03, 0x181818);
    painter.frontDisc(0.08, 0, -0.02, 0.1, 0x181818);
  } else if (kind === 1) {
    painter.onEnd(0, [-0.42, 0.34, 0.42, 0.34, 0, -0.4], 0xd01820);
    painter.onEnd(-0.01, [-0.26, 0.25, 0.26, 0.25, 0, -0.22], 0xf4f4f0);
  } else if (kind === 2) {
    painter.frontDisc(0, 0, 0, 0.36, 0x1858b0);
    painter.limb(0, -0.18, -0.01, 0, 0.18, -0.01, 0.05, 0.02, 0xf4f4f0);
  } else {
    painter.rect(0, -0.45, -0.3, 0.45, 0.3, 0x2060a8);
    painter.rect(-0.01, -0.36, -0.05, 0.36, 0.02, 0xf0f0f0);
    painter.rect(-0.01, -0.36, 0.1, 0.2, 0.16, 0xf0f0f0);
  }
}
