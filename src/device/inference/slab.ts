import type { Detections } from '../../core/detections.ts';

/** Bytes of one detection: box 16, score 4, track 4, class 2. */
const ENTRY_BYTES = 26;

/** Detections whose arrays share one buffer, so that a set crosses to another thread as one transfer. */
export interface Slab {
  readonly buffer: ArrayBuffer;
  readonly detections: Detections;
}

/** A view of `buffer` as detections; its capacity follows from its length. `count` comes from the other side. */
export function viewSlab(buffer: ArrayBuffer, count: number): Slab {
  const capacity = slabCapacity(buffer);
  return {
    buffer,
    detections: {
      count,
      boxes: new Float32Array(buffer, 0, capacity * 4),
      scores: new Float32Array(buffer, capacity * 16, capacity),
      tracks: new Uint32Array(buffer, capacity * 20, capacity),
      classes: new Uint16Array(buffer, capacity * 24, capacity),
    },
  };
}

export function createSlab(capacity: number): Slab {
  return viewSlab(new ArrayBuffer(capacity * ENTRY_BYTES), 0);
}

export function slabCapacity(buffer: ArrayBuffer): number {
  return Math.floor(buffer.byteLength / ENTRY_BYTES);
}
