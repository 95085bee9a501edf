/** A rendered image. */
export interface LiveImage {
  /** of this image alone, also among those of other views: who has it need not fetch it again */
  readonly id: string;
  readonly jpeg: Uint8Array;
}

/** Annotated images as JPEG, rendered only between `watch` and the call of what it returns. */
export interface LiveImages {
  /** none while nothing is configured */
  cameras(): readonly string[];
  watch(camera: string): () => void;
  /** The newest image there is; `null` before the first. */
  newest(camera: string): LiveImage | null;
  /** Resolves with the next image, or with the newest one after `timeoutMs`; `null` if there was none yet. */
  next(camera: string, timeoutMs: number): Promise<Uint8Array | null>;
}
