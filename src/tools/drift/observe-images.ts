import type { Bundle } from '../../model/bundle.ts';
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
  readonly preprocess: EvaluatePreprocess;
  /** of inference */
  readonly threads: number;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * What a robot that runs the bundle observes in the images of a data set: with the bundle's own limits, and not with
 * those of evaluations, which keep more boxes.
 * @throws GoshawkError of a bundle, data set or image that cannot be used
 */
export async function observeImages(options: ObserveOptions): Promise<ObservedImages> {
  const { bundle, preprocess, threads } = options;
  const { name, version, labels, thresholds } = bundle.manifest;
  const named = { labels, bundle: `${name}@${version}`, ignoreUnknown: true, limit: options.limit };
  const dataset = await readDataset(options.annotations, named);
  const limits = {
    scoreThreshold: thresholds.score,
    iouThreshold: thresholds.iou,
    maxDetections: thresholds.maxDetections,
    classFilter: null,
  };
  const detector = await openBundleDetector({ bundle, preprocess, limits, engine: { threads } });
  try {
    return (await detectDataset(dataset, options.images, detector, options.onProgress)).observed;
  } finally {
    await detector.close();
  }
}
