import { open } from 'node:fs/promises';
import { createDetections } from '../../core/detections.ts';
import type { DetectedBox } from '../../core/evaluation/boxes.ts';
import { createDecoder } from '../../core/heads/decoder.ts';
import type { DecodeLimits, InferenceInput } from '../../device/inference/engine.ts';
import type { GraphClaims } from '../../model/bundle.ts';
import { LetterboxedGraph } from '../../device/inference/letterboxed-graph.ts';
import { boxesOf } from '../../core/evaluation/boxes-of.ts';
import type { ImageStore } from './image-store.ts';

/** The limits of `goshawk evaluate`, so that results are comparable. */
export const EVALUATION_LIMITS: DecodeLimits & { readonly multiLabel: boolean } = {
  scoreThreshold: 0.01,
  iouThreshold: 0.65,
  maxDetections: 300,
  classFilter: null,
  multiLabel: true,
};

/** The outputs of a graph are not detections, because quantization broke the network. */
export class BrokenOutputError extends Error {
  override readonly name = 'BrokenOutputError';
}

export interface DetectOptions {
  readonly claims: GraphClaims;
  /** threads of inference, >= 1 */
  readonly threads: number;
  /** true for 8-bit sums that are exact on every CPU, for evaluating a graph that needs exact sums */
  readonly exactInt8?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Detections of a graph on all or selected stored images, with the runtime's session, decoder and
 * suppression. `image` of a box is the image's index in the store. Throws BrokenOutputError if an output is
 * not a number, and whatever loading throws.
 */
export async function detectStored(
  model: Uint8Array,
  store: ImageStore,
  { claims, threads, exactInt8 = false, signal }: DetectOptions,
  images: readonly number[] = store.letterboxes.map((_, index) => index),
): Promise<DetectedBox[]> {
  const { inputWidth, inputHeight, head, labels } = claims;
  const graph = await LetterboxedGraph.load(model, claims, 1, {
    ...{ provider: 'cpu', threads, exactInt8 },
  });
  const decoder = createDecoder({ head, inputWidth, inputHeight, classes: labels, maxCandidates: Infinity });
  const detections = createDetections(EVALUATION_LIMITS.maxDetections);
  const boxes: DetectedBox[] = [];
  try {
    await graph.warmUp();
    await readStored(store, images, async (pixels, index) => {
      signal.throwIfAborted();
      const letterbox = store.letterboxes[index]!;
      const input: InferenceInput = {
        kind: 'letterboxed',
        pixels,
        letterbox,
        encoding: 'rgb8',
        step: inputWidth * 3,
      };
      const outputs = await graph.run([input], 0, 1);
      if (decoder.decode(outputs, 0, letterbox, EVALUATION_LIMITS, detections) === 'invalid') {
        throw new BrokenOutputError('its output is not a number');
      }
      boxes.push(...boxesOf(detections, index));
    });
  } finally {
    await graph.close();
  }
  return boxes;
}

/** Reads images of a store one after another, into the same buffer. */
export async function readStored(
  { pictures, width, height }: ImageStore,
  images: readonly number[],
  take: (pixels: Uint8Array<ArrayBuffer>, image: number) => Promise<void>,
): Promise<void> {
  const pixels = new Uint8Array(width * height * 3);
  const handle = await open(pictures, 'r');
  try {
    for (const image of images) {
      await handle.read(pixels, 0, pixels.byteLength, image * pixels.byteLength);
      await take(pixels, image);
    }
  } finally {
    await handle.close();
  }
}
