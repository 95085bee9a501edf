import type { Detections } from '../../../core/detections.ts';
import type { FrameEnvelope } from '../../../core/frame.ts';
import type { ImageView } from '../../../core/image/image-view.ts';

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
}

/**
 * A consumer of results. `wantsPixels` is asked before each frame: pixels are kept and handed over only while
 * it is true.
 */
export interface ResultSink {
  readonly name: string;
  wantsPixels?(camera: string): boolean;
  /**
   * A throw or rejection counts the frame as `publish_failed` only for the sink named `publisher`; others count their
   * own.
   */
  deliver(result: FrameResult, pixels: ImageView | null): void | Promise<void>;
}
