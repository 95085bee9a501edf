import { GoshawkError } from '../../contract/errors.ts';
import type { ImageView } from '../../core/image/image-view.ts';
import { toRgb } from '../../core/image/convert.ts';
import { letterboxFor, type Letterbox } from '../../core/image/letterbox.ts';
import type { Bundle } from '../../model/bundle.ts';
import { createEngine, type EngineOptions } from '../../device/inference/create-engine.ts';
import type { DecodeLimits, InferenceInput } from '../../device/inference/engine.ts';
import { listUsableProviders } from '../../device/inference/providers.ts';
import { decodeImageFile } from '../../device/imaging/image-file.ts';
import { SharpLetterboxer } from '../../device/imaging/sharp-letterbox.ts';
import type { ImageDetector, DetectorResult } from './detector.ts';

/** How images are resized for the network: the two preprocessors of the frame path. */
export const EVALUATE_PREPROCESS = ['sharp', 'graph'] as const;

export type EvaluatePreprocess = (typeof EVALUATE_PREPROCESS)[number];

export interface BundleDetectorOptions {
  readonly bundle: Bundle;
  readonly preprocess: EvaluatePreprocess;
  readonly limits: DecodeLimits;
  /** what a robot publishes; by default what the bundle says */
  readonly published?: ImageDetector['published'];
  /** options of the engine; threads default to 2, because only throughput matters here */
  readonly engine?: Omit<EngineOptions, 'bundle' | 'inputs'>;
}

/**
 * Limits in milliseconds for an image and for loading. They are generous, because no camera waits, and a busy
 * or emulated machine must not count as hung.
 */
const PATIENCE = { timeoutMs: 120_000, startTimeoutMs: 90 * 60_000 };

async function decode(file: string): Promise<ImageView> {
  let decoded;
  try {
    decoded = await decodeImageFile(file);
  } catch (error) {
    throw new GoshawkError(
      'GOSHAWK_FILE_UNREADABLE',
      { file, reason: (error as Error).message },
      { cause: error },
    );
  }
  if (!decoded.ok) throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: decoded.detail });
  return decoded.view;
}

/** A copy of the image as packed RGB, which may be transferred to the engine. */
function rawInput(image: ImageView, letterbox: Letterbox): InferenceInput {
  const pixels = new Uint8Array(image.width * image.height * 3);
  toRgb(image, pixels);
  return { kind: 'raw', pixels, letterbox, encoding: 'rgb8', step: image.width * 3, wantsStatistics: true };
}

/**
 * A detector that processes images like the frame path processes raw frames of a camera, with the same
 * preprocessing, engine, decoding and suppression. Starts the engine.
 */
export async function openBundleDetector(options: BundleDetectorOptions): Promise<ImageDetector> {
  const { bundle, preprocess, limits } = options;
  const { manifest } = bundle;
  const { width: inputWidth, height: inputHeight, anchor } = manifest.input;
  const inputs = preprocess === 'graph' ? 'raw' : 'letterboxed';
  const engine = createEngine({ threads: 2, ...PATIENCE, ...options.engine, bundle, inputs });
  await engine.start();

  async function letterboxed(image: ImageView, letterbox: Letterbox): Promise<InferenceInput> {
    const pixels = new Uint8Array(inputWidth * inputHeight * 3);
    await new SharpLetterboxer().run(image, letterbox, manifest.input, pixels);
    return {
      kind: 'letterboxed',
      pixels,
      letterbox,
      encoding: 'rgb8',
      step: inputWidth * 3,
      wantsStatistics: true,
    };
  }

  async function detect(source: string | ImageView): Promise<DetectorResult> {
    const image = typeof source === 'string' ? await decode(source) : source;
    const { width, height } = image;
    const started = performance.now();
    const letterbox = letterboxFor(width, height, inputWidth, inputHeight, anchor);
    const input = preprocess === 'graph' ? rawInput(image, letterbox) : await letterboxed(image, letterbox);
    const prepared = performance.now() - started;
    const { items, times } = await engine.infer([input], limits);
    const item = items[0]!;
    if (!item.ok) throw new GoshawkError('GOSHAWK_INFERENCE_FAILED', { reason: item.message });
    const { detections, statistics } = item;
    const result = { detections, width, height, times: { preprocess: prepared, ...times } };
    return statistics === undefined ? result : { ...result, statistics };
  }

  return {
    bundle: { name: manifest.name, version: manifest.version, digest: bundle.digest },
    labels: manifest.labels,
    published: options.published ?? manifest.thresholds,
    inGraph: preprocess === 'graph',
    providers: listUsableProviders(),
    // one image is decoded and resized while another is in the graph
    parallel: engine.parallel + 1,
    detect,
    release: (detections) => {
      engine.recycle(detections);
    },
    close: () => engine.close(),
  };
}
