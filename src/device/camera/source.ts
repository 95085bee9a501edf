import type { CompressedView, ImageView, Stamp } from '../../core/frame.ts';
import type { RefusalReason } from '../../core/refusal.ts';

/** A box that is known to be right because the image was made around it. */
export interface GroundTruthBox {
  readonly label: string;
  /** x1, y1, x2, y2 in pixels of the frame */
  readonly box: readonly [number, number, number, number];
  /** share of the object that nothing hides, 0..1 */
  readonly visible: number;
}

/**
 * A frame as a camera hands it over. The memory of the image belongs to the receiver, who may move it to
 * another thread.
 */
export interface CameraFrame {
  readonly image: ImageView | CompressedView;
  readonly stamp: Stamp;
  readonly frameId: string;
  readonly groundTruth?: readonly GroundTruthBox[];
}

/** What became of a camera's frames since `start`. */
export interface CameraCounters {
  /** handed to the receiver */
  readonly delivered: number;
  /**
   * turns of the schedule that passed without a frame, since the frame or this process was late; they are not
   * made up for
   */
  readonly skipped: number;
  /** images of the source that could not be read */
  readonly unreadable: number;
}

/** What a camera tells besides its frames. */
export interface CameraEvents {
  /**
   * An image could not be read: why, as the ledger counts it, and in words. Called once for each that
   * `unreadable` counts.
   */
  readonly onUnreadable?: (reason: RefusalReason, detail: string) => void;
  /** Something that a person should know of the source, in words. */
  readonly onNotice?: (message: string) => void;
}

/** A camera inside this process. */
export interface CameraSource {
  /** for people: what it shows, its size and rate where they are known; it may say more once it has started */
  readonly description: string;
  /**
   * Begins to deliver frames; resolves once the source is open and the first frame is on its way.
   * @param onFrame called once for each frame, one after the other
   * @param onEnd called once when the source ends by itself: with an error, or without one at the end of what
   *   is not looped
   * @param events may be told while it opens
   * @throws GoshawkError if the source cannot be opened
   */
  start(
    onFrame: (frame: CameraFrame) => void,
    onEnd?: (error?: unknown) => void,
    events?: CameraEvents,
  ): Promise<void>;
  /** No frame is delivered after it was called. Safe to call twice. */
  stop(): Promise<void>;
  counters(): CameraCounters;
}
