import { GoshawkError } from '../../contract/errors.ts';
import type { ProviderName } from '../../contract/providers.ts';
import type { Bundle } from '../../model/bundle.ts';
import { createSizedEngine, type SizedEngineOptions } from '../../device/inference/sized-engine.ts';
import type { Clock } from '../../platform/clock.ts';
import { FramePipeline } from '../../device/pipeline/pipeline.ts';
import type { Log } from '../log.ts';
import type { DetectorParameters } from './parameters.ts';
import type { CameraTopics } from './topics.ts';

/** A node's clock. */
export interface NodeTime {
  readonly clock: Clock;
  /** true while it follows `/clock` */
  readonly isTimeSimulated: () => boolean;
}

/** Parameter values that leave the variant to the engine; the empty one predates `auto`. */
const AUTO_VARIANT: ReadonlySet<string> = new Set(['', 'auto']);

/** How the parameters want the bundle to be run. */
export function engineOptions(parameters: DetectorParameters, bundle: Bundle, log: Log): SizedEngineOptions {
  return {
    bundle,
    kind: parameters.engine,
    sizing: {
      workers: autoOr(parameters.workers),
      threads: autoOr(parameters.threads),
      queueDepth: autoOr(parameters.queue_depth),
    },
    log: (line) => log.warn(line),
    preferred: parameters.providers as readonly ProviderName[],
    strict: parameters.strict,
    inputs: inputsFor(parameters.preprocess),
    ...(AUTO_VARIANT.has(parameters.variant) ? {} : { variant: parameters.variant }),
  };
}

/** Creates a pipeline from the parameters; not started yet. */
export function createPipeline(
  parameters: DetectorParameters,
  engine: SizedEngineOptions,
  cameras: readonly CameraTopics[],
  { clock, isTimeSimulated }: NodeTime,
  log: Log,
): FramePipeline {
  const priorities = parsePriorities(parameters.camera_priorities, cameras);
  return new FramePipeline({
    engine: createSizedEngine(engine),
    manifest: engine.bundle.manifest,
    cameras: cameras.map(({ camera }) => ({ name: camera, priority: priorities.get(camera) ?? 1 })),
    preprocess: parameters.preprocess,
    tracking: parameters.tracking,
    stamps: {
      staleMs: parameters.max_stamp_age_s * 1000,
      futureMs: parameters.max_stamp_lead_s * 1000,
      repeated: parameters.repeated_stamps,
      isTimeSimulated,
    },
    maxBatch: parameters.max_batch,
    maxWaitMs: parameters.max_wait_ms,
    clock,
    onNotice: ({ level, code, message }) => log[level](`${code}: ${message}${adviceFor(message)}`),
  });
}

/** 0 stands for auto. */
function autoOr(value: number): number | null {
  return value === 0 ? null : value;
}

/** What an operator can do about frames that are refused because of their stamps. */
function adviceFor(message: string): string {
  return /: stamp_(repeated|regressed): /.test(message)
    ? '; repeated_stamps:=accept accepts such frames in order of arrival'
    : '';
}

function inputsFor(preprocess: DetectorParameters['preprocess']): 'letterboxed' | 'raw' | 'both' {
  if (preprocess === 'sharp') return 'letterboxed';
  return 'both';
}

/**
 * Reads `TOPIC=WEIGHT` entries.
 * @returns weights by camera
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID
 */
export function parsePriorities(
  entries: readonly string[],
  cameras: readonly CameraTopics[],
): ReadonlyMap<string, number> {
  const priorities = new Map<string, number>();
  for (const entry of entries) {
    const at = entry.lastIndexOf('=');
    const topic = entry.slice(0, at);
    const weight = Number(entry.slice(at + 1));
    const camera = cameras.find(({ image, camera: name }) => image === topic || name === topic);
    const reason =
      at < 1 || !Number.isInteger(weight) || weight < 1 || weight > 100
        ? 'it must have the form TOPIC=WEIGHT with a weight from 1 to 100'
        : camera === undefined
          ? `${topic} is not one of the image topics`
          : undefined;
    if (reason !== undefined || camera === undefined) {
      throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
        name: 'camera_priorities',
        value: entry,
        reason: reason ?? '',
      });
    }
    priorities.set(camera.camera, weight);
  }
  return priorities;
}
