/** A rendered image. */
export interface LiveImage {
  /** of this image alone, across all views: a client that has it need not fetch it again */
  readonly id: string;
  readonly jpeg: Uint8Array;
}

/** Annotated images as JPEG, rendered only between `watch` and a call of the function that it returns. */
export interface LiveImages {
  /** empty while nothing is configured */
  cameras(): readonly string[];
  watch(camera: string): () => void;
  /** The newest image; `null` before the first. */
  newest(camera: string): LiveImage | null;
  /** Resolves with the next image, or with the newest one after `timeoutMs`; `null` if there was none yet. */
  next(camera: string, timeoutMs: number): Promise<Uint8Array | null>;
}
