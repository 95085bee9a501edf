import type { CompressedView, ImageView } from './image/image-view.ts';

/** A message stamp as ROS has it, exact to the nanosecond. */
export interface Stamp {
  /** seconds since the epoch of the stamping clock (int32) */
  readonly sec: number;
  /** 0..999_999_999 */
  readonly nanosec: number;
}

/** The metadata that travels with an image through every stage. */
export interface FrameEnvelope {
  /** camera name, unique in a pipeline; for ROS the image topic's namespace */
  readonly camera: string;
  /** count of this camera's frames since start, from 0 */
  readonly sequence: number;
  readonly stamp: Stamp;
  /** copied from the image message, unchanged */
  readonly frameId: string;
  /** milliseconds on the monotonic clock (`performance.now()`) when the frame reached this process */
  readonly receivedAt: number;
  /** monotonic milliseconds after which the result is worthless; `Infinity` if there is none */
  readonly deadline: number;
}

/** A frame as a source hands it to the pipeline. */
export interface Frame {
  readonly envelope: FrameEnvelope;
  readonly image: ImageView | CompressedView;
}
