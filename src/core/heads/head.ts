import type { Detections } from '../detections.ts';
import type { Letterbox } from '../image/letterbox.ts';

/**
 * How a detector's raw output is to be read. N is the number of candidates, C of classes; boxes are in
 * network input pixels unless said otherwise.
 * - `yolox`: `[batch, N, 5 + C]`, center and size still relative to the grid cell (`x = (tx + gx) * stride`,
 *   `w = exp(tw) * stride`), then objectness and classes as probabilities; one candidate for each cell of the
 *   feature maps.
 * - `yolov5`: `[batch, N, 5 + C]`, center, size, objectness, classes, all decoded in the graph (also YOLOX
 *   and YOLOv6 that are exported decoded).
 * - `yolov8` (and v9, 11, 12): `[batch, 4 + C, N]`, channel by channel: center, size, classes; no objectness.
 * - `labeled`: `[batch, N, 6]` with x1, y1, x2, y2, score, class of every candidate, not suppressed yet
 *   (DeepStream's exports).
 * - `detr`: `[batch, N, 4 + C]`, a row a query: center and size in 0..1 of the input, classes as
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
  /** sizes, outermost first; a string or a number below 1 where the size is not fixed */
  readonly dims: readonly (number | string)[];
}

/** An output of one run. Integer outputs of `end2end` graphs are given as they come or widened to float. */
export interface OutputTensor {
  readonly data: Float32Array | Int32Array;
  readonly dims: readonly number[];
}

/** Limits applied while decoding; they may change from one frame to the next. */
export interface DecodeSettings {
  /** 0..1; a detection's score is above it */
  readonly scoreThreshold: number;
  /** 0..1; of two boxes of a class whose IoU is above it the weaker goes. Not used by `end2end`. */
  readonly iouThreshold: number;
  readonly maxDetections: number;
  /** one byte for each class, 1 keeps it; `null` keeps all */
  readonly classFilter?: Uint8Array | null;
  /** true lets a box suppress boxes of other classes too */
  readonly classAgnostic?: boolean;
  /**
   * true lets every class of a box that lies above the threshold be a detection of its own, as evaluations of
   * YOLO models in Python do; else the best class alone is. No difference for `end2end`. Suppression sees the
   * best `MULTI_LABEL_CANDIDATES` at most.
   */
  readonly multiLabel?: boolean;
}

/** `invalid`: the model put out something that is no number, or a shape other than the head's; nothing was written. */
export type DecodeOutcome = 'ok' | 'invalid';

/** Reads the raw output of one image. Holds scratch memory: one decoder serves one thread. */
export interface Decoder {
  /**
   * Writes the detections of image `batchIndex`, best first, into `out` (at most `maxDetections` and what it
   * has room for): boxes in source pixels, clipped to the image; `tracks` are zeroed.
   */
  decode(
    outputs: readonly OutputTensor[],
    batchIndex: number,
    letterbox: Letterbox,
    settings: DecodeSettings,
    out: Detections,
  ): DecodeOutcome;
}
