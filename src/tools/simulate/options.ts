import { GoshawkError } from '../../contract/errors.ts';
import { CONDITION_NAMES, CONDITION_RANGES, type Conditions } from '../../sim/drawing/conditions.ts';
import { MAX_SCENES, MAX_SEED } from '../../sim/sample.ts';
import { MAX_SIZE, MIN_SIZE } from '../../sim/scene.ts';

/** `coco`: images/ and annotations.json; `raw`: frames.u8 (N x H x W x 3 rgb8) and boxes.json, for numpy.memmap. */
export const DATASET_FORMATS = ['coco', 'raw'] as const;
export type DatasetFormat = (typeof DATASET_FORMATS)[number];

export const IMAGE_FORMATS = ['jpeg', 'png'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

export interface SimulateOptions {
  /** a folder that is empty or does not exist yet */
  readonly out: string;
  /** scenes, 1..MAX_SCENES */
  readonly count: number;
  /** 0..2^32 - 1; distinct seeds never share a scene */
  readonly seed: number;
  /** pixels */
  readonly width: number;
  readonly height: number;
  readonly format: DatasetFormat;
  /** how `coco` images are stored */
  readonly image: ImageFormat;
  /** JPEG quality 1..100 */
  readonly quality: number;
  /** number of rendering threads; 1 renders in this thread */
  readonly workers: number;
  /** conditions that are fixed for all scenes; the others are sampled for each */
  readonly conditions: Partial<Conditions>;
}

export const SIMULATE_DEFAULTS = {
  width: 640,
  height: 360,
  format: 'coco',
  image: 'jpeg',
  quality: 92,
  workers: 1,
  conditions: {},
} as const satisfies Partial<SimulateOptions>;

function refuse(name: string, value: number | string, reason: string): never {
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value, reason });
}

function requireWhole(name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    refuse(name, value, `it must be a whole number from ${low} to ${high}`);
  }
}

/** Throws GOSHAWK_PARAMETER_INVALID for the first option out of range. */
export function checkSimulateOptions(options: SimulateOptions): void {
  requireWhole('count', options.count, 1, MAX_SCENES);
  requireWhole('seed', options.seed, 0, MAX_SEED - 1);
  requireWhole('width', options.width, MIN_SIZE, MAX_SIZE);
  requireWhole('height', options.height, MIN_SIZE, MAX_SIZE);
  requireWhole('quality', options.quality, 1, 100);
  requireWhole('workers', options.workers, 1, 64);
  if (!DATASET_FORMATS.includes(options.format))
    refuse('format', options.format, `it must be one of ${DATASET_FORMATS.join(', ')}`);
  if (!IMAGE_FORMATS.includes(options.image))
    refuse('image', options.image, `it must be one of ${IMAGE_FORMATS.join(', ')}`);
  for (const name of CONDITION_NAMES) {
    const value = options.conditions[name];
    const [low, high] = CONDITION_RANGES[name];
    if (value !== undefined && !(value >= low && value <= high))
      refuse(name, value, `it must be between ${low} and ${high}`);
  }
}
