import { GoshawkError } from '../../contract/errors.ts';
import { letterboxFor } from '../../core/image/letterbox.ts';
import type {
  DecodeLimits,
  EngineInfo,
  InferenceEngine,
  InferenceInput,
  InferenceItem,
} from '../inference/engine.ts';
import type { CameraShape } from './camera-intake.ts';
import type { LetterboxTarget } from './frame/frame-job.ts';
import type { PreprocessMode } from './frame/preprocess-mode.ts';
import type { PreprocessPreference } from './preprocess-choice.ts';

/** Encodings that are resized inside the graph. */
const RAW = ['rgb8', 'bgr8'] as const;

export interface WarmUp {
  readonly engine: InferenceEngine;
  /** what the engine turned out to be once it was loaded */
  readonly info: EngineInfo;
  readonly target: LetterboxTarget;
  readonly cameras: readonly { readonly name: string; readonly shape: CameraShape }[];
  readonly limits: DecodeLimits;
  readonly preprocess: PreprocessPreference;
}

/**
 * Runs images like those of each camera in each runner, in every way in which they may come, so that graphs and memory
 * are ready before the first frame.
 * @returns cameras whose images the graph cannot resize, and why: with `auto` these go on with sharp
 * @throws GoshawkError of a model that does not run
 */
export async function warmEngine(options: WarmUp): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  const failures = new Map<string, string | null>();
  for (const { name, shape } of options.cameras.filter((camera) => camera.shape.width > 0))
    for (const mode of modesFor(shape, options)) {
      const make = (): InferenceInput => imageLike(shape, mode, options.target);
      // cameras are often alike
      const { kind, encoding, letterbox } = make();
      const key = JSON.stringify([kind, encoding, letterbox]);
      const failure = failures.has(key) ? failures.get(key)! : await tryImage(options, mode, make);
      failures.set(key, failure);
      if (failure !== null) refused.set(name, failure);
    }
  return refused;
}

function modesFor(
  { encoding }: CameraShape,
  { info, preprocess }: WarmUp,
): readonly [PreprocessMode, ...PreprocessMode[]] {
  if (preprocess === 'sharp' || !info.acceptsRaw || !RAW.some((raw) => raw === encoding)) return ['sharp'];
  return preprocess === 'graph' ? ['graph'] : ['sharp', 'graph'];
}

/** Why the graph cannot resize it; null if it runs. @throws GoshawkError if there is no other way */
async function tryImage(
  { engine, limits, preprocess }: WarmUp,
  mode: PreprocessMode,
  make: () => InferenceInput,
): Promise<string | null> {
  const jobs = Array.from({ length: engine.parallel }, () => engine.infer([make()], limits));
  const failed = (await Promise.all(jobs)).flatMap(({ items }) => items).find(isFailure);
  if (failed === undefined) return null;
  const isOfGraph = mode === 'graph' && preprocess === 'auto' && !GONE.has(failed.reason);
  if (!isOfGraph) throw new GoshawkError('GOSHAWK_INFERENCE_FAILED', { reason: failed.message });
  return failed.message;
}

type Failure = Extract<InferenceItem, { readonly ok: false }>;

/** Of the engine, and not of the image. */
const GONE: ReadonlySet<Failure['reason']> = new Set(['engine_lost', 'shutdown']);

/** A model may say nonsense of a black image. */
const isFailure = (item: InferenceItem): item is Failure => !item.ok && item.reason !== 'invalid_output';

/** Pixels are moved to the engine, so each job has its own. */
function imageLike(
  { width, height, encoding }: CameraShape,
  mode: PreprocessMode,
  target: LetterboxTarget,
): InferenceInput {
  const letterbox = letterboxFor(width, height, target.width, target.height, target.anchor);
  const raw = mode === 'graph' ? RAW.find((one) => one === encoding) : undefined;
  const step = 3 * (raw === undefined ? target.width : width);
  return {
    kind: raw === undefined ? 'letterboxed' : 'raw',
    pixels: new Uint8Array(step * (raw === undefined ? target.height : height)),
    letterbox,
    encoding: raw ?? 'rgb8',
    step,
  };
}
