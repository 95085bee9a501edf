import type { Detections } from '../../core/detections.ts';
import { createSlab, slabCapacity } from './slab.ts';

/** More than are ever read at the same time; any others are left to the garbage collector. */
const MAX_KEPT = 32;

/** Buffers for detections, returned by their readers. */
export class SlabPool {
  readonly #free: ArrayBuffer[] = [];

  /** Returns a buffer with room for `capacity` detections. */
  take(capacity: number): ArrayBuffer {
    const free = this.#free.pop();
    return free !== undefined && slabCapacity(free) >= capacity ? free : createSlab(capacity).buffer;
  }

  /** Keeps the buffer of `detections`; sets that do not share one buffer, or are detached, are ignored. */
  give(detections: Detections): void {
    const { buffer } = detections.boxes;
    const ours = buffer === detections.classes.buffer && buffer.byteLength > 0;
    if (!ours || !(buffer instanceof ArrayBuffer) || this.#free.length >= MAX_KEPT) return;
    if (!this.#free.includes(buffer)) this.#free.push(buffer);
  }
}
