import type { Color } from '../drawing/atmosphere.ts';
import type { Painter } from '../drawing/painter.ts';

/** Half the width of a body at height y, in meters. */
export type WidthAt = (y: number) => number;

/**
 * A body extruded from a side outline across its width. Edges that face away from the camera are skipped, the
 * others are painted far to near, then the visible side.
 * @param outline z, y pairs, counterclockwise with z to the right and y up
 * @param edgeColors color of the strip from point i to point i + 1, if it is not `color`
 */
export function paintHull(
  painter: Painter,
  outline: readonly number[],
  widthAt: WidthAt,
  color: Color,
  edgeColors: Readonly<Record<number, Color>> = {},
): void {
  const count = outline.length / 2;
  const strips: { index: number; distance: number }[] = [];
  for (let i = 0; i < count; i += 1) {
    const j = (i + 1) % count;
    const z0 = outline[2 * i]!;
    const y0 = outline[2 * i + 1]!;
    const z1 = outline[2 * j]!;
    const y1 = outline[2 * j + 1]!;
    if (painter.faces(0, (y0 + y1) / 2, (z0 + z1) / 2, 0, z0 - z1, y1 - y0)) {
      strips.push({ index: i, distance: painter.distanceTo(0, (z0 + z1) / 2) });
    }
  }
  strips.sort((a, b) => b.distance - a.distance || a.index - b.index);
  for (const { index } of strips) {
    const j = (index + 1) % count;
    const z0 = outline[2 * index]!;
    const y0 = outline[2 * index + 1]!;
    const z1 = outline[2 * j]!;
    const y1 = outline[2 * j + 1]!;
    const w0 = widthAt(y0);
    const w1 = widthAt(y1);
    const length = Math.sqrt((z1 - z0) * (z1 - z0) + (y1 - y0) * (y1 - y0)) || 1;
    const shade = painter.shadeOf(0, (z0 - z1) / length, (y1 - y0) / length);
    painter.polygon([-w0, y0, z0, w0, y0, z0, w1, y1, z1, -w1, y1, z1], edgeColors[index] ?? color, {
      shade,
    });
  }
  for (const side of [-1, 1]) {
    if (!sideSeen(painter, side, widthAt(0.8))) continue;
    const points: number[] = [];
    for (let i = 0; i < count; i += 1) {
      points.push(side * widthAt(outline[2 * i + 1]!), outline[2 * i + 1]!, outline[2 * i]!);
    }
    painter.polygon(points, color, { shade: painter.shadeOf(side, 0, 0) });
  }
}

/** True if the side at x = side * half faces the camera. */
export function sideSeen(painter: Painter, side: number, half: number): boolean {
  return painter.faces(side * half, 0.8, 0, side, 0, 0);
}

/** A patch on a side of a hull; `patch` holds z, y pairs. */
export function paintOnSides(
  painter: Painter,
  patch: readonly number[],
  widthAt: WidthAt,
  color: Color,
): void {
  for (const side of [-1, 1]) {
    if (!sideSeen(painter, side, widthAt(0.8))) continue;
    const points: number[] = [];
    for (let i = 0; i < patch.length; i += 2) {
      points.push(side * widthAt(patch[i + 1]!), patch[i + 1]!, patch[i]!);
    }
    painter.polygon(points, color, { shade: painter.shadeOf(side, 0, 0) });
  }
}

/** The dark patch under a vehicle. It belongs to the ground, so paint it before the object begins. */
export function paintShadow(painter: Painter, halfWidth: number, halfLength: number, alpha: number): void {
  const w = halfWidth;
  const l = halfLength;
  painter.polygon(
    [
      -w,
      0,
      -l * 0.9,
      -w * 0.8,
      0,
      -l,
      w * 0.8,
      0,
      -l,
      w,
      0,
      -l * 0.9,
      w,
      0,
      l * 0.9,
      w * 0.8,
      0,
      l,
      -w * 0.8,
      0,
      l,
      -w,
      0,
      l * 0.9,
    ],
    0x101010,
    { alpha },
  );
}

/** A pair of wheels on one axle: tire blocks seen from the ends, discs seen from the sides. */
export function paintAxle(
  painter: Painter,
  z: number,
  radius: number,
  half: number,
  width: number,
  hub: Color,
): void {
  for (const side of painter.faces(0, 0, 0, 1, 0, 0) ? [-1, 1] : [1, -1]) {
    const outer = side * half;
    const inner = side * (half - width);
    painter.wheelDisc(inner, radius, z, radius, 0, 0x0c0c0e);
    for (const end of [-1, 1]) {
      const at = z + end * radius * 0.75;
      if (!painter.faces(0, radius, at, 0, 0, end)) continue;
      painter.rect(at, inner, 0.02, outer, radius * 1.6, 0x141416);
    }
    if (!sideSeen(painter, side, half)) continue;
    painter.wheelDisc(outer, radius, z, radius, 0, 0x19191c);
    painter.wheelDisc(outer * 1.01, radius, z, radius * 0.62, 0, hub);
    painter.wheelDisc(outer * 1.02, radius, z, radius * 0.2, 0, 0x303236);
  }
}
