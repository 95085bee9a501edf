import { seenColor, type Atmosphere, type Color } from './atmosphere.ts';
import type { Canvas } from './canvas.ts';
import { cosine, sine } from './exact-math.ts';

/**
 * A pinhole camera above the ground plane y = 0. World axes in meters: x to the right, y up, z along the road.
 * Projection: u = focal * x / z, v = -focal * y / z in pixels, then roll about the image's center.
 */
export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** radians, positive to the right; small, because the world is ahead */
  readonly yaw: number;
  /** pixels from the image's center down to the horizon */
  readonly horizon: number;
  /** pixels */
  readonly focal: number;
  /** radians, clockwise positive */
  readonly roll: number;
}

/** Nothing nearer than this many meters is drawn. */
const NEAR = 0.5;
const MAX_POINTS = 160;
const CIRCLE = 24;
const COS = Float64Array.from({ length: CIRCLE + 1 }, (_, i) => cosine((i / CIRCLE) * 6.283185307179586));
const SIN = Float64Array.from({ length: CIRCLE + 1 }, (_, i) => sine((i / CIRCLE) * 6.283185307179586));

/** How a surface differs from a plain daylight surface. */
export interface Finish {
  /** brightness, default 1 */
  readonly shade?: number;
  /** emits light */
  readonly emissive?: boolean;
  /** below 1 it is an overlay */
  readonly alpha?: number;
}

const PLAIN: Finish = {};

/** Draws shapes given in an object's own frame (x right, y up, z forward) through the camera onto a canvas. */
export class Painter {
  readonly canvas: Canvas;
  readonly camera: Camera;
  readonly atmosphere: Atmosphere;
  /** direction of the sun in the ground plane, which sets the brightness of sides */
  readonly sunX: number;
  readonly sunZ: number;
  /** depth of the object's origin in meters */
  depth = 1;
  #ox = 0;
  #oy = 0;
  #oz = 0;
  #cos = 1;
  #sin = 0;
  readonly #centerX: number;
  readonly #centerY: number;
  readonly #rollCos: number;
  readonly #rollSin: number;
  readonly #yawCos: number;
  readonly #yawSin: number;
  readonly #space = new Float64Array(3 * MAX_POINTS);
  readonly #clipped = new Float64Array(3 * MAX_POINTS);
  readonly #screen = new Float64Array(2 * MAX_POINTS);

  constructor(canvas: Canvas, camera: Camera, atmosphere: Atmosphere, sunAngle: number) {
    this.canvas = canvas;
    this.camera = camera;
    this.atmosphere = atmosphere;
    this.sunX = cosine(sunAngle);
    this.sunZ = sine(sunAngle);
    this.#centerX = canvas.width / 2;
    this.#centerY = canvas.height / 2;
    this.#rollCos = cosine(camera.roll);
    this.#rollSin = sine(camera.roll);
    this.#yawCos = cosine(camera.yaw);
    this.#yawSin = sine(camera.yaw);
  }

  /**
   * Moves the object frame of the next shapes to a place in the world. Heading 0 points along the road, a
   * quarter turn to the right.
   */
  place(x: number, y: number, z: number, heading: number): void {
    const { camera } = this;
    const dx = x - camera.x;
    const dz = z - camera.z;
    this.#ox = dx * this.#yawCos - dz * this.#yawSin;
    this.#oy = y - camera.y;
    this.#oz = dx * this.#yawSin + dz * this.#yawCos;
    const turn = heading - camera.yaw;
    this.#cos = cosine(turn);
    this.#sin = sine(turn);
    this.depth = this.#oz;
  }

  /** Pixels per meter at the object's origin. */
  get pixelsPerMeter(): number {
    return this.camera.focal / Math.max(this.depth, NEAR);
  }

  /** Square of the distance in the ground plane from the camera to (x, z) in the object's frame. */
  distanceTo(x: number, z: number): number {
    const cx = this.#ox + x * this.#cos + z * this.#sin;
    const cz = this.#oz - x * this.#sin + z * this.#cos;
    return cx * cx + cz * cz;
  }

  /**
   * True if a surface at (x, y, z) with normal (nx, ny, nz), both in the object's frame, faces the camera.
   */
  faces(x: number, y: number, z: number, nx: number, ny: number, nz: number): boolean {
    const cx = this.#ox + x * this.#cos + z * this.#sin;
    const cz = this.#oz - x * this.#sin + z * this.#cos;
    const wx = nx * this.#cos + nz * this.#sin;
    const wz = -nx * this.#sin + nz * this.#cos;
    return cx * wx + (this.#oy + y) * ny + cz * wz < 0;
  }

  /** Brightness of a surface with this normal: sun from one side, sky from above. */
  shadeOf(nx: number, ny: number, nz: number): number {
    const wx = nx * this.#cos + nz * this.#sin;
    const wz = -nx * this.#sin + nz * this.#cos;
    return 0.84 + 0.14 * (wx * this.sunX + wz * this.sunZ) + (ny > 0 ? 0.18 : 0.22) * ny;
  }

  /** Fills a flat polygon; `points` are x, y, z triples in the object's frame. */
  polygon(points: readonly number[], color: Color, finish: Finish = PLAIN): void {
    const count = points.length / 3;
    for (let i = 0; i < count; i += 1) this.#put(i, points[3 * i]!, points[3 * i + 1]!, points[3 * i + 2]!);
    this.#trace(count);
    this.#paint(color, finish);
  }

  /** A polygon in a plane of constant x; `points` are z, y pairs. */
  onSide(x: number, points: readonly number[], color: Color, finish: Finish = PLAIN): void {
    const count = points.length / 2;
    for (let i = 0; i < count; i += 1) this.#put(i, x, points[2 * i + 1]!, points[2 * i]!);
    this.#trace(count);
    this.#paint(color, finish);
  }

  /** A polygon in a plane of constant z; `points` are x, y pairs. */
  onEnd(z: number, points: readonly number[], color: Color, finish: Finish = PLAIN): void {
    const count = points.length / 2;
    for (let i = 0; i < count; i += 1) this.#put(i, points[2 * i]!, points[2 * i + 1]!, z);
    this.#trace(count);
    this.#paint(color, finish);
  }

  /** An axis-parallel rectangle in a plane of constant z, mirrored to both sides if `mirrored`. */
  rect(
    z: number,
    x0: number,
    y0: number,
    x1: number,
    y1: number,
    color: Color,
    finish: Finish = PLAIN,
  ): void {
    this.onEnd(z, [x0, y0, x1, y0, x1, y1, x0, y1], color, finish);
  }

  /** A disc in a plane of constant x, e.g. a wheel seen from the side; `inner` > 0 leaves a ring. */
  wheelDisc(
    x: number,
    y: number,
    z: number,
    radius: number,
    inner: number,
    color: Color,
    finish: Finish = PLAIN,
  ): void {
    this.#circle(x, y, z, radius, 0, 1);
    if (inner > 0) this.#circle(x, y, z, inner, 0, -1);
    this.#paint(color, finish);
  }

  /** A disc in a plane of constant z, e.g. a lamp seen from the front. */
  frontDisc(x: number, y: number, z: number, radius: number, color: Color, finish: Finish = PLAIN): void {
    this.#circle(x, y, z, radius, 1, 1);
    this.#paint(color, finish);
  }

  #circle(x: number, y: number, z: number, radius: number, across: number, direction: number): void {
    for (let i = 0; i < CIRCLE; i += 1) {
      const k = direction > 0 ? i : CIRCLE - i;
      const along = COS[k]! * radius;
      this.#put(i, x + along * across, y + SIN[k]! * radius, z + along * (1 - across));
    }
    this.#trace(CIRCLE);
  }

  /** A ball: a circle that always faces the camera. `squeeze` stretches its height. */
  ball(
    x: number,
    y: number,
    z: number,
    radius: number,
    color: Color,
    finish: Finish = PLAIN,
    squeeze = 1,
  ): void {
    this.#put(0, x, y, z);
    const depth = this.#space[2]!;
    if (depth < NEAR) return;
    this.#project(this.#space, 1);
    const cx = this.#screen[0]!;
    const cy = this.#screen[1]!;
    const r = (this.camera.focal * radius) / depth;
    for (let i = 0; i < CIRCLE; i += 1) {
      this.#screen[2 * i] = cx + COS[i]! * r;
      this.#screen[2 * i + 1] = cy + SIN[i]! * r * squeeze;
    }
    this.canvas.contour(this.#screen, CIRCLE);
    this.#paint(color, finish);
  }

  /** A rounded stroke between two points with a radius at each end: limbs, tubes, poles. */
  limb(
    x0: number,
    y0: number,
    z0: number,
    x1: number,
    y1: number,
    z1: number,
    r0: number,
    r1: number,
    color: Color,
    finish: Finish = PLAIN,
  ): void {
    this.#put(0, x0, y0, z0);
    this.#put(1, x1, y1, z1);
    const d0 = this.#space[2]!;
    const d1 = this.#space[5]!;
    if (d0 < NEAR || d1 < NEAR) return;
    this.#project(this.#space, 2);
    const { focal } = this.camera;
    const ax = this.#screen[0]!;
    const ay = this.#screen[1]!;
    const bx = this.#screen[2]!;
    const by = this.#screen[3]!;
    const ra = Math.max(0.4, (focal * r0) / d0);
    const rb = Math.max(0.4, (focal * r1) / d1);
    const dx = bx - ax;
    const dy = by - ay;
    const length = Math.sqrt(dx * dx + dy * dy);
    const ux = length > 1e-6 ? dx / length : 1;
    const uy = length > 1e-6 ? dy / length : 0;
    const half = CIRCLE / 2;
    // half a circle around each end, facing away from the other end
    for (let i = 0; i <= half; i += 2) {
      const k = i + CIRCLE / 4;
      const c = COS[k]!;
      const s = SIN[k]!;
      const at = i;
      this.#screen[at] = ax + (ux * c - uy * s) * ra;
      this.#screen[at + 1] = ay + (uy * c + ux * s) * ra;
      this.#screen[half + 2 + at] = bx - (ux * c - uy * s) * rb;
      this.#screen[half + 3 + at] = by - (uy * c + ux * s) * rb;
    }
    this.canvas.contour(this.#screen, half + 2);
    this.#paint(color, finish);
  }

  /** Light around a lamp, `radius` in meters. */
  glow(x: number, y: number, z: number, radius: number, color: Color, strength: number): void {
    this.#put(0, x, y, z);
    const depth = this.#space[2]!;
    if (depth < NEAR || strength <= 0) return;
    this.#project(this.#space, 1);
    const seen = seenColor(this.atmosphere, color, 1, 0, true);
    const reach = Math.min((this.camera.focal * radius) / depth, this.canvas.height / 5);
    this.canvas.glow(this.#screen[0]!, this.#screen[1]!, reach, seen, strength);
  }

  /** Object frame to camera frame. */
  #put(index: number, x: number, y: number, z: number): void {
    const space = this.#space;
    space[3 * index] = this.#ox + x * this.#cos + z * this.#sin;
    space[3 * index + 1] = this.#oy + y;
    space[3 * index + 2] = this.#oz - x * this.#sin + z * this.#cos;
  }

  #project(space: Float64Array, count: number): void {
    const { focal, horizon } = this.camera;
    for (let i = 0; i < count; i += 1) {
      const scale = focal / space[3 * i + 2]!;
      const u = space[3 * i]! * scale;
      const v = horizon - space[3 * i + 1]! * scale;
      this.#screen[2 * i] = this.#centerX + u * this.#rollCos - v * this.#rollSin;
      this.#screen[2 * i + 1] = this.#centerY + u * this.#rollSin + v * this.#rollCos;
    }
  }

  /** Clips the current points at the near plane and adds them to the canvas as a contour. */
  #trace(count: number): void {
    const space = this.#space;
    let behind = 0;
    for (let i = 0; i < count; i += 1) if (space[3 * i + 2]! < NEAR) behind += 1;
    if (behind === count) return;
    if (behind === 0) {
      this.#project(space, count);
      this.canvas.contour(this.#screen, count);
      return;
    }
    const out = this.#clipped;
    let kept = 0;
    let previous = count - 1;
    for (let i = 0; i < count; i += 1) {
      const z0 = space[3 * previous + 2]!;
      const z1 = space[3 * i + 2]!;
      if (z0 < NEAR !== z1 < NEAR) {
        const t = (NEAR - z0) / (z1 - z0);
        out[3 * kept] = space[3 * previous]! + (space[3 * i]! - space[3 * previous]!) * t;
        out[3 * kept + 1] = space[3 * previous + 1]! + (space[3 * i + 1]! - space[3 * previous + 1]!) * t;
        out[3 * kept + 2] = NEAR;
        kept += 1;
      }
      if (z1 >= NEAR) {
        out[3 * kept] = space[3 * i]!;
        out[3 * kept + 1] = space[3 * i + 1]!;
        out[3 * kept + 2] = z1;
        kept += 1;
      }
      previous = i;
    }
    this.#project(out, kept);
    this.canvas.contour(this.#screen, kept);
  }

  #paint(color: Color, finish: Finish): void {
    const seen = seenColor(
      this.atmosphere,
      color,
      finish.shade ?? 1,
      Math.max(0, this.depth),
      finish.emissive === true,
    );
    this.canvas.fill(seen, finish.alpha ?? 1);
  }
}
