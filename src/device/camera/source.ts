import type { Stamp } from '../../core/frame.ts';
import type { CompressedView, ImageView } from '../../core/image/image-view.ts';
import type { RefusalReason } from '../../core/refusal.ts';

/** A box that is exact because the image was rendered from it. */
export interface GroundTruthBox {
  readonly label: string;
  /** x1, y1, x2, y2 in pixels of the frame */
  readonly box: readonly [number, number, number, number];
  /** share of the object that nothing occludes, 0..1 */
  readonly visible: number;
}

/** A frame from a camera. The receiver owns the memory of the image and may transfer it to another thread. */
export interface CameraFrame {
  readonly image: ImageView | CompressedView;
  readonly stamp: Stamp;
  readonly frameId: string;
  readonly groundTruth?: readonly GroundTruthBox[];
}

/** Counts of a camera's frames since `start`. */
export interface CameraCounters {
  /** passed to the receiver */
  readonly delivered: number;
  /**
   * turns of the schedule that passed without a frame because the frame or this process was late; they are
   * not made up for
   */
  readonly skipped: number;
  /** images of the source that could not be read */
  readonly unreadable: number;
}

/** Events of a camera in addition to its frames. */
export interface CameraEvents {
  /**
   * An image could not be read: the reason that the ledger counts, and an explanation. Called once for each
   * that `unreadable` counts.
   */
  readonly onUnreadable?: (reason: RefusalReason, detail: string) => void;
  /** A notice about the source for the user. */
  readonly onNotice?: (message: string) => void;
}

/** A camera inside this process. */
export interface CameraSource {
  /** description for display: content, size and rate if known; may be more detailed once it has started */
  readonly description: string;
  /**
   * Starts to deliver frames; resolves once the source is open and the first frame is on its way.
   * @param onFrame called once for each frame, in order
   * @param onEnd called once when the source ends by itself: with an error, or without one at the end of a
   * source that is not looped
   * @param events may be called while it opens
   * @throws GoshawkError if the source cannot be opened
   */
  start(
    onFrame: (frame: CameraFrame) => void,
    onEnd?: (error?: unknown) => void,
    events?: CameraEvents,
  ): Promise<void>;
  /** Stops the camera. No frame is delivered after this call. Safe to call twice. */
  stop(): Promise<void>;
  counters(): CameraCounters;
}
