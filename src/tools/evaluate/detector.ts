import type { BundleRef } from '../../contract/report.ts';
import type { Detections } from '../../core/detections.ts';
import type { ImageView } from '../../core/image/image-view.ts';

/** Milliseconds of one image by stage. */
export interface DetectorTimes {
  readonly preprocess: number;
  readonly queue: number;
  readonly inference: number;
  readonly decode: number;
}

/** The result for one image. `detections` are valid only until `release` is called with them. */
export interface DetectorResult {
  readonly detections: Detections;
  readonly width: number;
  readonly height: number;
  readonly times: DetectorTimes;
  /** of the image (`core/drift/frame-block.ts`), valid as long as `detections`; absent if it was not measured */
  readonly statistics?: Float32Array;
}

/** Detects objects in images. */
export interface ImageDetector {
  readonly bundle: BundleRef;
  readonly labels: readonly string[];
  /** the boxes that a robot publishes: those above the score, at most so many of an image */
  readonly published: { readonly score: number; readonly maxDetections: number };
  /** images are resized inside the graph, not by sharp */
  readonly inGraph: boolean;
  /** execution providers that may be used, best first */
  readonly providers: readonly string[];
  /** calls of `detect` that may run at a time */
  readonly parallel: number;
  /**
   * Rejects with a coded error if the image does not decode or the model fails on it.
   * @param image a file, or an image that is decoded already
   */
  detect(image: string | ImageView): Promise<DetectorResult>;
  release(detections: Detections): void;
  close(): Promise<void>;
}
