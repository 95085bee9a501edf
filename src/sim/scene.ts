import { createRandom, mixSeeds } from '../core/random.ts';
import { atmosphereOf, transmission } from './drawing/atmosphere.ts';
import { Canvas } from './drawing/canvas.ts';
import type { Conditions } from './drawing/conditions.ts';
import { blurCanvas, develop, drawDirt, drawRain } from './effects.ts';
import {
  MIN_AREA,
  MIN_DRAWN_HEIGHT,
  MIN_INSIDE,
  MIN_LONG_SIDE,
  MIN_SHORT_SIDE,
  MIN_TRANSMISSION,
  MIN_VISIBLE,
  SCENE_LABELS,
  type SceneLabel,
  type SceneObject,
} from './labels.ts';
import { Painter } from './drawing/painter.ts';
import { paintShadow } from './shapes/hull.ts';
import { paintBackdrop } from './street.ts';
import { cameraAt, drawablesAt, type World } from './world.ts';

/** Changes whenever a seed yields other pixels or boxes than before. */
export const SIMULATOR_VERSION = '1.0.0';

/** Bounds of the image size in pixels, each side. */
export const MIN_SIZE = 32;
export const MAX_SIZE = 1920;

/** Meters beyond which only the skyline is drawn. */
const FARTHEST = 150;

interface Measured {
  readonly label: SceneLabel;
  readonly owned: number;
  readonly box: readonly [number, number, number, number];
  readonly inside: number;
  readonly clear: number;
}

/** Renders worlds at one image size and reuses its buffers between frames. */
export class SceneRenderer {
  readonly width: number;
  readonly height: number;
  readonly #canvas: Canvas;
  readonly #counts = new Uint32Array(256);

  /** @param width pixels, MIN_SIZE..MAX_SIZE, like height */
  constructor(width: number, height: number) {
    for (const side of [width, height]) {
      if (!Number.isInteger(side) || side < MIN_SIZE || side > MAX_SIZE) {
        throw new RangeError(
          `image sides must be whole numbers from ${MIN_SIZE} to ${MAX_SIZE}, not ${side}`,
        );
      }
    }
    this.width = width;
    this.height = height;
    this.#canvas = new Canvas(width, height);
  }

  /**
   * Renders the world at time `t` (seconds, >= 0).
   * @param rgb width * height * 3 bytes, filled with rgb8
   * @returns the labeled objects, far to near
   */
  render(world: World, t: number, conditions: Conditions, rgb: Uint8Array): SceneObject[] {
    const canvas = this.#canvas;
    const camera = cameraAt(world, t, this.width, this.height, conditions.tilt);
    const painter = new Painter(canvas, camera, atmosphereOf(conditions, world.overcast), world.sunAngle);
    canvas.beginObject(0);
    canvas.ids.fill(0);
    paintBackdrop(painter, world.street, world.skyline);
    const measured = this.#paintObjects(painter, world, t);
    const objects = this.#label(measured);
    const weather = createRandom(mixSeeds(world.seed, Math.round(t * 1000)));
    drawRain(canvas, conditions.rain, weather);
    blurCanvas(canvas, conditions.blur);
    drawDirt(canvas, conditions.dirt, createRandom(mixSeeds(world.seed, 0xd187)));
    develop(canvas, conditions, weather, rgb);
    return objects;
  }

  #paintObjects(painter: Painter, world: World, t: number): Measured[] {
    const { canvas, camera } = painter;
    const least = (MIN_DRAWN_HEIGHT * this.height) / 360;
    const measured: Measured[] = [];
    for (const drawable of drawablesAt(world, t, camera)) {
      if (drawable.footprint.z1 < camera.z - 1) continue;
      painter.place(drawable.x, drawable.y, drawable.z, drawable.heading);
      if (painter.depth < drawable.nearest || painter.depth > FARTHEST) continue;
      const [halfWidth, halfLength] = drawable.shadow;
      if (halfWidth > 0 && painter.pixelsPerMeter * drawable.parts[0]!.height >= least) {
        paintShadow(painter, halfWidth, halfLength, 0.45);
      }
      for (const { label, height, paint } of drawable.parts) {
        if (label !== undefined && painter.pixelsPerMeter * height < least) continue;
        const id = label === undefined || measured.length >= 255 ? 0 : measured.length + 1;
        canvas.beginObject(id);
        paint(painter, t);
        if (label !== undefined && id !== 0) measured.push(this.#measure(painter, label));
        canvas.beginObject(0);
      }
    }
    return measured;
  }

  #measure(painter: Painter, label: SceneLabel): Measured {
    const { canvas } = painter;
    const { minX, minY, maxX, maxY, owned } = canvas;
    const outline = (canvas.outlineMaxX - canvas.outlineMinX) * (canvas.outlineMaxY - canvas.outlineMinY);
    const width = maxX + 1 - minX;
    const height = maxY + 1 - minY;
    return {
      label,
      owned,
      box: [minX, minY, maxX + 1, maxY + 1],
      inside: owned > 0 && outline > 0 ? (width * height) / outline : 0,
      clear: transmission(painter.atmosphere, Math.max(0, painter.depth)),
    };
  }

  /** Keeps the objects that a person could point at, by the limits in labels.ts. */
  #label(measured: readonly Measured[]): SceneObject[] {
    const counts = this.#counts.fill(0);
    const { ids } = this.#canvas;
    for (let i = 0; i < ids.length; i += 1) counts[ids[i]!]! += 1;
    const unit = Math.sqrt((this.width * this.height) / (640 * 360));
    const objects: SceneObject[] = [];
    measured.forEach((one, index) => {
      const { label } = one;
      if (one.owned === 0) return;
      const [x1, y1, x2, y2] = one.box;
      const short = Math.min(x2 - x1, y2 - y1);
      const long = Math.max(x2 - x1, y2 - y1);
      const visible = counts[index + 1]! / one.owned;
      if (visible < MIN_VISIBLE || one.inside < MIN_INSIDE || one.clear < MIN_TRANSMISSION) return;
      if (short < MIN_SHORT_SIDE * unit || long < MIN_LONG_SIDE * unit) return;
      if ((x2 - x1) * (y2 - y1) < MIN_AREA * unit * unit) return;
      objects.push({ label, classIndex: SCENE_LABELS.indexOf(label), box: one.box, visible });
    });
    return objects;
  }
}
