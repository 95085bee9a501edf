import type { Detections } from '../../core/detections.ts';

/** Follows the objects of one camera from frame to frame. Frames come in order. */
export interface Tracker {
  /** Writes the track ids of a frame's detections. @param stampSeconds the frame's stamp */
  update(detections: Detections, stampSeconds: number): void;
  /** Forgets all tracks: the time line broke. */
  reset(): void;
}
