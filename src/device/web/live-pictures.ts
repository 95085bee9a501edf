import type { LivePicture } from '../pipeline/live-view.ts';

/** Annotated pictures as JPEG, rendered only between `watch` and the call of what it returns. */
export interface LivePictures {
  /** none while nothing is configured */
  cameras(): readonly string[];
  watch(camera: string): () => void;
  /** The newest picture there is; `null` before the first. */
  newest(camera: string): LivePicture | null;
  /** Resolves with the next picture, or with the newest one after `timeoutMs`; `null` if there was none yet. */
  next(camera: string, timeoutMs: number): Promise<Uint8Array | null>;
}
