import type { Detections } from '../../core/detections.ts';
import { createSlab, slabCapacity } from './slab.ts';

/** More than the sets that are read at any one time; what comes back beyond is left to the garbage collector. */
const MAX_KEPT = 32;

/** Buffers for detections that come back from their readers. */
export class SlabPool {
  readonly #free: ArrayBuffer[] = [];

  /** A buffer with room for `capacity` detections. */
  take(capacity: number): ArrayBuffer {
    const free = this.#free.pop();
    return free !== undefined && slabCapacity(free) >= capacity ? free : createSlab(capacity).buffer;
  }

  /** Keeps the buffer under `detections`; sets that do not lie on one buffer, or are gone already, are ignored. */
  give(detections: Detections): void {
    const { buffer } = detections.boxes;
    const ours = buffer === detections.classes.buffer && buffer.byteLength > 0;
    if (!ours || !(buffer instanceof ArrayBuffer) || this.#free.length >= MAX_KEPT) return;
    if (!this.#free.includes(buffer)) this.#free.push(buffer);
  }
}
