import { GoshawkError } from '../../contract/errors.ts';
import { MAX_SIDE, refuseSize } from '../../core/admission/limits.ts';
import {
  CLEAR_DAY,
  CONDITION_NAMES,
  CONDITION_RANGES,
  type Conditions,
} from '../../sim/drawing/conditions.ts';
import { MAX_SIZE, MIN_SIZE } from '../../sim/scene.ts';
import type { Clock } from '../../platform/clock.ts';
import { DirFeed } from './dir-feed.ts';
import { PacedCamera } from './paced-camera.ts';
import { RecordingFeed } from './recording-feed.ts';
import { SimFeed } from './sim-feed.ts';
import type { CameraSource } from './source.ts';
import { debugLog } from '../../platform/debug.ts';

const debug = debugLog('camera');

export interface CameraOptions {
  /** frames per second, 0.1..1000; default 30, for a recording its own pace */
  readonly rate?: number;
  /** pixels, both or none; default 1280x720 for `sim`, the images' own size for the others */
  readonly width?: number;
  readonly height?: number;
  /** `header.frame_id` of the frames; default `camera` */
  readonly frameId?: string;
  /** `dir`: pass JPEG and PNG on without decoding */
  readonly compressed?: boolean;
  /** `mcap`: image topic; default one in color */
  readonly topic?: string;
  /** `mcap`: restart at the end; default true */
  readonly loop?: boolean;
  /** seam for tests */
  readonly clock?: Clock;
}

const DEFAULT_RATE = 30;

/**
 * Opens a camera by its name: `sim`, `sim:seed=7,fog=0.3,loop=60` (keys: seed, loop and the conditions of the
 * simulator; `loop` renders that many frames first and repeats them), `dir:PATH` or `mcap:FILE`,
 * `mcap:FILE,topic=/front/image_raw,loop=false` (any recording of ROS 2: MCAP, `.db3`, either compressed with
 * zstd, or a folder of rosbag2; settings in the name override the options). Nothing is read before `start`.
 * @throws GoshawkError GOSHAWK_CAMERA_SPEC for a name that is not understood, GOSHAWK_PARAMETER_INVALID for a
 * rate or size out of range
 */
export function openCamera(spec: string, options: CameraOptions = {}): CameraSource {
  debug(() => `camera ${spec}, ${JSON.stringify({ ...options, clock: undefined })}`);
  const colon = spec.indexOf(':');
  const kind = colon < 0 ? spec : spec.slice(0, colon);
  const rest = colon < 0 ? '' : spec.slice(colon + 1);
  const { frameId = 'camera', clock } = options;
  const rate = options.rate ?? DEFAULT_RATE;
  requireRange('rate', rate, 0.1, 1000);
  const size = sizeOf(options);
  const pacing = { rate, frameId, ...(clock === undefined ? {} : { clock }) };
  switch (kind) {
    case 'sim': {
      const { seed, loop, conditions } = parseSim(spec, rest);
      const { width, height } = size ?? { width: 1280, height: 720 };
      requireRange('width', width, MIN_SIZE, MAX_SIZE);
      requireRange('height', height, MIN_SIZE, MAX_SIZE);
      return new PacedCamera(new SimFeed({ seed, width, height, conditions, rate, loop }), pacing);
    }
    case 'dir': {
      if (rest === '') refuse(spec, 'the folder is missing');
      const compressed = options.compressed ?? false;
      return new PacedCamera(
        new DirFeed({ path: rest, compressed, ...(size === undefined ? {} : { size }) }),
        pacing,
      );
    }
    case 'mcap': {
      const { path, topic = options.topic, loop = options.loop ?? true } = parseRecording(spec, rest);
      const feed = new RecordingFeed({
        path,
        loop,
        ...(size === undefined ? {} : { size }),
        ...(options.rate === undefined ? {} : { rate }),
        ...(topic === undefined ? {} : { topic }),
      });
      return new PacedCamera(feed, pacing);
    }
    default:
      return refuse(spec, `"${kind}" is not a kind of camera`);
  }
}

function refuse(spec: string, reason: string): never {
  throw new GoshawkError('GOSHAWK_CAMERA_SPEC', { spec, reason });
}

function requireRange(name: string, value: number, low: number, high: number): void {
  if (value >= low && value <= high) return;
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
    name,
    value,
    reason: `it must be between ${low} and ${high}`,
  });
}

function sizeOf({ width, height }: CameraOptions): { width: number; height: number } | undefined {
  if (width === undefined && height === undefined) return undefined;
  for (const [name, side] of [
    ['width', width],
    ['height', height],
  ] as const) {
    if (side === undefined || !Number.isInteger(side) || side < 1 || side > MAX_SIDE) {
      const reason = `width and height must be given together, as whole numbers from 1 to ${MAX_SIDE}`;
      throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value: String(side), reason });
    }
  }
  const refused = refuseSize(width!, height!);
  if (refused !== undefined) {
    const value = `${String(width)}x${String(height)}`;
    throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
      name: 'width and height',
      value,
      reason: refused.detail,
    });
  }
  return { width: width!, height: height! };
}

interface RecordingSpec {
  readonly path: string;
  readonly topic?: string;
  readonly loop?: boolean;
}

/** Only known keys end the path, because a file name may contain commas. */
function parseRecording(spec: string, rest: string): RecordingSpec {
  const match = /^(.*?)((?:,(?:topic|loop)=[^,]*)*)$/s.exec(rest);
  const [, path = '', keys = ''] = match ?? [];
  if (path === '') refuse(spec, 'the file is missing');
  const found: { -readonly [K in keyof RecordingSpec]: RecordingSpec[K] } = { path };
  for (const pair of keys.split(',').slice(1)) {
    const [name = '', value = ''] = pair.split('=', 2);
    if (name === 'topic') {
      if (value === '') refuse(spec, 'the topic is empty');
      found.topic = value;
    } else {
      if (value !== 'true' && value !== 'false') refuse(spec, 'loop must be true or false');
      found.loop = value === 'true';
    }
  }
  return found;
}

interface SimSpec {
  readonly seed: number;
  readonly loop: number;
  readonly conditions: Conditions;
}

function parseSim(spec: string, rest: string): SimSpec {
  const conditions: { -readonly [K in keyof Conditions]: Conditions[K] } = { ...CLEAR_DAY };
  let seed = 1;
  let loop = 0;
  for (const pair of rest === '' ? [] : rest.split(',')) {
    const [name = '', text = ''] = pair.split('=', 2);
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value))
      refuse(spec, `"${pair}" is not of the form name=number`);
    const condition = CONDITION_NAMES.find((one) => one === name);
    if (condition !== undefined) {
      const [low, high] = CONDITION_RANGES[condition];
      if (value < low || value > high) refuse(spec, `${name} must be between ${low} and ${high}`);
      conditions[condition] = value;
    } else if (name === 'seed') {
      if (!Number.isSafeInteger(value) || value < 0) refuse(spec, 'seed must be a whole number, 0 or more');
      seed = value;
    } else if (name === 'loop') {
      if (!Number.isInteger(value) || value < 1 || value > 1000)
        refuse(spec, 'loop must be a whole number from 1 to 1000');
      loop = value;
    } else {
      refuse(spec, `"${name}" is not one of seed, loop, ${CONDITION_NAMES.join(', ')}`);
    }
  }
  return { seed, loop, conditions };
}
