import type { Detections } from '../detections.ts';
import type { BoxAgreement } from '../drift/box-agreement.ts';
import type { Letterbox } from '../image/letterbox.ts';
import type { Candidates } from './candidates.ts';

/** An output of the graph as its file declares it. */
export interface OutputShape {
  readonly name: string;
  /** sizes, outermost first; a string or a number below 1 for a size that is not fixed */
  readonly dims: readonly (number | string)[];
}

/** An output of one run. Integer outputs of `end2end` graphs are passed as they are or widened to float. */
export interface OutputTensor {
  readonly data: Float32Array | Int32Array;
  readonly dims: readonly number[];
}

/** Limits applied while decoding; they may change from one frame to the next. */
export interface DecodeSettings {
  /** 0..1; a detection's score is above it */
  readonly scoreThreshold: number;
  /**
   * 0..1; of two boxes of a class with a higher IoU, the one with the lower score is removed. Not used by
   * `end2end`.
   */
  readonly iouThreshold: number;
  readonly maxDetections: number;
  /** one byte per class, 1 keeps it; `null` keeps all */
  readonly classFilter?: Uint8Array | null;
  /**
   * true makes every class of a box above the threshold a separate detection, as evaluations of YOLO models
   * in Python do; otherwise only the best class counts. No effect on `end2end`. Suppression sees at most the
   * best `MULTI_LABEL_CANDIDATES`.
   */
  readonly multiLabel?: boolean;
}

/**
 * `invalid`: the model returned something that is not a number, or a shape other than the head's; nothing was
 * written.
 */
export type DecodeOutcome = 'ok' | 'invalid';

/** Reads the raw output of one image. Holds scratch memory: one decoder serves one thread. */
export interface Decoder {
  /**
   * Writes the detections of image `batchIndex`, best first, into `out` (at most `maxDetections`, and as many
   * as fit): boxes in source pixels, clipped to the image; `tracks` are zeroed.
   *
   * @param agreement to be measured as well, which changes neither outcome nor detections
   */
  decode(
    outputs: readonly OutputTensor[],
    batchIndex: number,
    letterbox: Letterbox,
    settings: DecodeSettings,
    out: Detections,
    agreement?: BoxAgreement | null,
  ): DecodeOutcome;
}

/** What a reader of raw output is made for. */
export interface ReaderOptions {
  /** network input, pixels */
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** classes of the graph, 1..65535 */
  readonly classes: number;
}

/**
 * Collects everything above the threshold. Returns false if the output has the wrong shape or invalid numbers
 * for the head.
 */
export type Reader = (
  outputs: readonly OutputTensor[],
  batchIndex: number,
  settings: DecodeSettings,
  candidates: Candidates,
) => boolean;

/** True if the tensor has rank 3, contains image `batchIndex`, and has as many values as its sizes imply. */
export function holdsImage(tensor: OutputTensor, batchIndex: number): boolean {
  const { dims, data } = tensor;
  return dims.length === 3 && batchIndex < dims[0]! && data.length === dims[0]! * dims[1]! * dims[2]!;
}
