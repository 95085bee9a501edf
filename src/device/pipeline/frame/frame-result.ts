import type { Detections } from '../../../core/detections.ts';
import type { FrameEnvelope } from '../../../core/frame.ts';
import type { CompressedView, ImageView } from '../../../core/image/image-view.ts';
import type { PreprocessMode } from './preprocess-mode.ts';

/** Stages of a frame's path, in order; the names are metric labels and report keys. */
export const STAGES = ['wait', 'preprocess', 'queue', 'inference', 'decode', 'track', 'publish'] as const;

export type Stage = (typeof STAGES)[number];

/** What sinks get for each published frame. Valid only until the sink's promise settles: buffers are reused. */
export interface FrameResult {
  readonly envelope: FrameEnvelope;
  readonly detections: Detections;
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** milliseconds by stage, indexed as STAGES */
  readonly stageMs: Float64Array;
  /** milliseconds from receipt to now, and from the stamp to now if the clocks agree */
  readonly totalMs: number;
  readonly stampToNowMs: number;
  readonly bundleDigest: string;
  /** how the image was brought to the network's size */
  readonly mode: PreprocessMode;
  /** of the image as received: a pixel encoding, or `jpeg` or `png` */
  readonly encoding: string;
  /** of the frame (`core/drift/frame-block.ts`); null unless a sink wanted them when the frame left its gate */
  readonly statistics: Float32Array | null;
}

/**
 * A consumer of results. `wantsPixels`, `wantsImage` and `wantsStatistics` are asked before each frame: pixels and
 * images are kept and handed over, and frames are measured, only while they are true.
 */
export interface ResultSink {
  readonly name: string;
  wantsPixels?(camera: string): boolean;
  /** the image as it was received, JPEG as JPEG: nothing is decoded for it */
  wantsImage?(camera: string): boolean;
  wantsStatistics?(camera: string): boolean;
  /**
   * A throw or rejection counts the frame as `publish_failed` only for the sink named `publisher`; others count their
   * own.
   * @param image as received; null unless a sink wanted an image or pixels. It may be kept: nothing else uses its
   * memory once the sinks are done
   */
  deliver(
    result: FrameResult,
    pixels: ImageView | null,
    image?: ImageView | CompressedView | null,
  ): void | Promise<void>;
}
