import type { Detections } from '../../core/detections.ts';
import { BLOCK_FLOATS } from '../../core/drift/frame-block.ts';

/** Bytes of one detection: box 16, score 4, track 4, class 2. */
const ENTRY_BYTES = 26;

/** Bytes of the frame's statistics, before the detections. */
const BLOCK_BYTES = BLOCK_FLOATS * 4;

/** Detections and statistics whose arrays share one buffer, so that they cross to another thread as one transfer. */
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
      boxes: new Float32Array(buffer, BLOCK_BYTES, capacity * 4),
      scores: new Float32Array(buffer, BLOCK_BYTES + capacity * 16, capacity),
      tracks: new Uint32Array(buffer, BLOCK_BYTES + capacity * 20, capacity),
      classes: new Uint16Array(buffer, BLOCK_BYTES + capacity * 24, capacity),
    },
  };
}

/**
 * The statistics in a slab: `BLOCK_FLOATS` values (`core/drift/frame-block.ts`), of its frame only if it was measured.
 */
export function viewStatistics(buffer: ArrayBuffer): Float32Array {
  return new Float32Array(buffer, 0, BLOCK_FLOATS);
}

export function createSlab(capacity: number): Slab {
  return viewSlab(new ArrayBuffer(BLOCK_BYTES + capacity * ENTRY_BYTES), 0);
}

export function slabCapacity(buffer: ArrayBuffer): number {
  return Math.floor((buffer.byteLength - BLOCK_BYTES) / ENTRY_BYTES);
}
