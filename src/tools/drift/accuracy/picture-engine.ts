import { GoshawkError } from '../../../contract/errors.ts';
import type { Picture } from '../../../core/corruption/picture.ts';
import type { Detections } from '../../../core/detections.ts';
import { letterboxFor } from '../../../core/image/letterbox.ts';
import { SharpLetterboxer } from '../../../device/imaging/sharp-letterbox.ts';
import { createEngine } from '../../../device/inference/create-engine.ts';
import type { DecodeLimits, InferenceEngine, InferenceInput } from '../../../device/inference/engine.ts';
import type { PreprocessMode } from '../../../device/pipeline/frame/preprocess-mode.ts';
import type { Bundle } from '../../../model/bundle.ts';

/** No camera waits, and a busy machine must not count as hung. */
const PATIENCE = { timeoutMs: 120_000, startTimeoutMs: 600_000 };

/** What the engine says of a picture; valid until `recycle`. */
export interface PictureResult {
  readonly detections: Detections;
  readonly statistics: Float32Array;
}

/** A model that takes packed RGB and measures every picture, resized in either way of the frame path. */
export class PictureEngine {
  readonly bundle: Bundle;
  readonly #engine: InferenceEngine;
  readonly #letterboxer = new SharpLetterboxer();

  private constructor(bundle: Bundle, engine: InferenceEngine) {
    this.bundle = bundle;
    this.#engine = engine;
  }

  static async open(bundle: Bundle, threads: number): Promise<PictureEngine> {
    const engine = createEngine({ threads, ...PATIENCE, bundle, inputs: 'both' });
    await engine.start();
    return new PictureEngine(bundle, engine);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  /** @throws GoshawkError GOSHAWK_INFERENCE_FAILED */
  async infer(image: Picture, mode: PreprocessMode, limits: DecodeLimits): Promise<PictureResult> {
    const { items } = await this.#engine.infer([await this.#input(image, mode)], limits);
    const item = items[0];
    if (item?.ok === true && item.statistics !== undefined)
      return { statistics: item.statistics, detections: item.detections };
    const reason = item?.ok === false ? item.message : 'the picture was not measured';
    throw new GoshawkError('GOSHAWK_INFERENCE_FAILED', { reason });
  }

  recycle(detections: Detections): void {
    this.#engine.recycle?.(detections);
  }

  async #input(image: Picture, mode: PreprocessMode): Promise<InferenceInput> {
    const { input } = this.bundle.manifest;
    const { width, height } = image;
    const letterbox = letterboxFor(width, height, input.width, input.height, input.anchor);
    const common = { letterbox, encoding: 'rgb8', wantsStatistics: true } as const;
    // what the engine gets is transferred
    if (mode === 'graph') return { ...common, kind: 'raw', pixels: image.pixels.slice(), step: width * 3 };
    const pixels = new Uint8Array(input.width * input.height * 3);
    const view = { width, height, encoding: 'rgb8', step: width * 3, data: image.pixels } as const;
    await this.#letterboxer.run(view, letterbox, input, pixels);
    return { ...common, kind: 'letterboxed', pixels, step: input.width * 3 };
  }
}
