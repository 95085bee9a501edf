import type { Bundle } from '../../model/bundle.ts';
import { toDecodeLimits } from '../../device/pipeline/decode-limits.ts';
import {
  changeLimits,
  defaultLimits,
  type Limits,
  type LimitsPatch,
} from '../../device/pipeline/limit-table.ts';
import { openBundleDetector, type EvaluatePreprocess } from '../evaluate/bundle-detector.ts';
import { readDataset } from '../evaluate/dataset.ts';
import { detectDataset } from '../evaluate/detect-dataset.ts';
import type { ObservedImages } from '../evaluate/image-measures.ts';

export interface ObserveOptions {
  readonly bundle: Bundle;
  /** COCO detection file */
  readonly annotations: string;
  /** folder of its images */
  readonly images: string;
  /** only the first images by id; null for all */
  readonly limit: number | null;
  /** of the robot; what is not set is the bundle's */
  readonly limits: LimitsPatch;
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
 * What a robot that runs the bundle observes in the images of a data set: with its limits, and not with those of
 * evaluations, which keep more boxes.
 * @throws GoshawkError of a bundle, data set or image that cannot be used
 */
export async function observeImages(options: ObserveOptions): Promise<ObservedDataset> {
  const { bundle, preprocess, threads } = options;
  const { name, version, labels, thresholds } = bundle.manifest;
  const named = { labels, bundle: `${name}@${version}`, ignoreUnknown: true, limit: options.limit };
  const dataset = await readDataset(options.annotations, named);
  const limits = changeLimits(defaultLimits(thresholds), options.limits, labels);
  const detector = await openBundleDetector({
    bundle,
    preprocess,
    limits: toDecodeLimits(limits, labels, null),
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
