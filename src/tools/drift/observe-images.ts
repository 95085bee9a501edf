import type { BundleManifest } from '../../contract/bundle.ts';
import type { Bundle } from '../../model/bundle.ts';
import { toDecodeLimits } from '../../device/pipeline/decode-limits.ts';
import {
  changeLimits,
  defaultLimits,
  type Limits,
  type LimitsPatch,
} from '../../device/pipeline/limit-table.ts';
import { openBundleDetector, type EvaluatePreprocess } from '../evaluate/bundle-detector.ts';
import { readDataset, type Dataset } from '../evaluate/dataset.ts';
import { detectDataset } from '../evaluate/detect-dataset.ts';
import type { ObservedImages } from '../evaluate/image-measures.ts';

/** Which images are observed, and how. */
export interface WhatToObserve {
  /** COCO detection file */
  readonly annotations: string;
  /** only the first images by id; null for all */
  readonly limit: number | null;
  /** of the robot; what is not set is the bundle's */
  readonly limits: LimitsPatch;
}

export interface ObserveOptions extends WhatToObserve {
  readonly bundle: Bundle;
  /** folder of the images */
  readonly images: string;
  readonly preprocess: EvaluatePreprocess;
  /** of inference */
  readonly threads: number;
  readonly onProgress: (done: number, total: number) => void;
}

export interface ObservedDataset extends ObservedImages {
  /** that boxes were published with */
  readonly limits: Limits;
}

/**
 * The images to observe, and the limits to observe them with.
 * @throws GoshawkError of a data set or limits that cannot be used
 */
export async function readWhatToObserve(
  { name, version, labels, thresholds }: BundleManifest,
  { annotations, limit, limits }: WhatToObserve,
): Promise<{ readonly dataset: Dataset; readonly limits: Limits }> {
  const named = { labels, bundle: `${name}@${version}`, ignoreUnknown: true, limit };
  const dataset = await readDataset(annotations, named);
  return { dataset, limits: changeLimits(defaultLimits(thresholds), limits, labels) };
}

/**
 * What a robot that runs the bundle observes in the images of a data set: with its limits, and not with those of
 * evaluations, which keep more boxes.
 * @throws GoshawkError of a bundle, data set or image that cannot be used
 */
export async function observeImages(options: ObserveOptions): Promise<ObservedDataset> {
  const { bundle, preprocess, threads } = options;
  const { dataset, limits } = await readWhatToObserve(bundle.manifest, options);
  const detector = await openBundleDetector({
    bundle,
    preprocess,
    limits: toDecodeLimits(limits, bundle.manifest.labels, null),
    published: { score: limits.score_threshold, maxDetections: limits.max_detections },
    engine: { threads },
  });
  try {
    const { observed } = await detectDataset(dataset, options.images, detector, options.onProgress);
    return { ...observed, limits };
  } finally {
    await detector.close();
  }
}
