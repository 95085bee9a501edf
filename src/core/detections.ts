/**
 * Detections of one image as a struct of arrays, so that the hot loop fills buffers instead of creating
 * objects. Boxes are in source image pixels, corner form, not rounded, clipped to the image.
 */
export interface Detections {
  /** number of array entries in use */
  count: number;
  /** x1, y1, x2, y2 for entry i at 4 * i; 0 <= x1 <= x2 <= width, 0 <= y1 <= y2 <= height */
  readonly boxes: Float32Array;
  /** 0..1 */
  readonly scores: Float32Array;
  /** index into the bundle's labels */
  readonly classes: Uint16Array;
  /** track id; 0 if tracking is off or the detection is not confirmed yet */
  readonly tracks: Uint32Array;
}

/** An empty set with room for `capacity` entries. */
export function createDetections(capacity: number): Detections {
  return {
    count: 0,
    boxes: new Float32Array(capacity * 4),
    scores: new Float32Array(capacity),
    classes: new Uint16Array(capacity),
    tracks: new Uint32Array(capacity),
  };
}
