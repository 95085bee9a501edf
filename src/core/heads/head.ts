import type { Detections } from '../detections.ts';
import type { Letterbox } from '../image/letterbox.ts';

/**
 * How a detector's raw output is to be read. N is the number of candidates, C of classes; boxes are in
 * network input pixels unless said otherwise.
 * - `yolox`: `[batch, N, 5 + C]`, center and size still relative to the grid cell (`x = (tx + gx) * stride`,
 *   `w = exp(tw) * stride`), then objectness and classes as probabilities; one candidate per cell of the
 *   feature maps.
 * - `yolov5`: `[batch, N, 5 + C]`, center, size, objectness, classes, all decoded in the graph (also YOLOX
 *   and YOLOv6 if exported decoded).
 * - `yolov8` (and v9, 11, 12): `[batch, 4 + C, N]`, channel by channel: center, size, classes; no objectness.
 * - `labeled`: `[batch, N, 6]` with x1, y1, x2, y2, score, class of every candidate before suppression
 *   (DeepStream's exports).
 * - `detr`: `[batch, N, 4 + C]`, one row per query: center and size in 0..1 of the input, classes as
 *   probabilities; nothing to suppress.
 * - `end2end`: suppression happens in the graph. `[batch, N, 6]` with x1, y1, x2, y2, score, class (YOLOv10,
 *   YOLO26), or the four outputs of TensorRT's EfficientNMS plugin in their order: count `[batch, 1]`, boxes
 *   `[batch, N, 4]`, scores and classes `[batch, N]`.
 */
export const HEADS = ['yolox', 'yolov5', 'yolov8', 'labeled', 'detr', 'end2end'] as const;

export type Head = (typeof HEADS)[number];

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
  /** true lets a box suppress boxes of other classes too */
  readonly classAgnostic?: boolean;
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
   */
  decode(
    outputs: readonly OutputTensor[],
    batchIndex: number,
    letterbox: Letterbox,
    settings: DecodeSettings,
    out: Detections,
  ): DecodeOutcome;
}
