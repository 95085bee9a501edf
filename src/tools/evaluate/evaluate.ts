import type { AccuracyReport } from '../../contract/report.ts';
import { describeHost } from '../../platform/describe-host.ts';
import { writeOutput } from '../../platform/outputs.ts';
import { makeAccuracyReport } from './accuracy-report.ts';
import { readDataset, readResults, toResults, type DatasetOptions } from './dataset.ts';
import { detectDataset } from './detect-dataset.ts';
import type { ImageDetector } from './detector.ts';

/** Options that apply whether a model runs or detections are read from a file. */
export interface EvaluateOptions {
  /** COCO detection file */
  readonly annotations: string;
  readonly ignoreUnknown: boolean;
  /** only the first images by id; null for all */
  readonly limit: number | null;
  /** resamples of the bootstrap interval; 0 for none */
  readonly resamples: number;
  readonly seed: number;
}

export interface EvaluateDetectorOptions extends EvaluateOptions {
  readonly detector: ImageDetector;
  /** folder of the images */
  readonly images: string;
  readonly settings: AccuracyReport['settings'];
  /** file for the detections in COCO's results format; null for none */
  readonly detectionsFile: string | null;
  readonly onProgress: (done: number, total: number) => void;
}

function datasetOptions(
  options: EvaluateOptions,
  labels: readonly string[] | null,
  bundle: string,
): DatasetOptions {
  return { labels, bundle, ignoreUnknown: options.ignoreUnknown, limit: options.limit };
}

/** Evaluates a detector on a data set. The detector stays open. */
export async function evaluateDetector(options: EvaluateDetectorOptions): Promise<AccuracyReport> {
  const startedAt = new Date();
  const { detector, detectionsFile, settings } = options;
  const bundle = `${detector.bundle.name}@${detector.bundle.version}`;
  const dataset = await readDataset(options.annotations, datasetOptions(options, detector.labels, bundle));
  const { boxes, latencies, observed } = await detectDataset(
    dataset,
    options.images,
    detector,
    options.onProgress,
  );
  if (detectionsFile !== null) await writeOutput(detectionsFile, JSON.stringify(toResults(dataset, boxes)));
  return makeAccuracyReport(dataset, boxes, {
    startedAt,
    host: describeHost(detector.providers),
    resamples: options.resamples,
    seed: options.seed,
    bundle: detector.bundle,
    settings,
    latencies,
    measures: observed.measures,
  });
}

/** Evaluates detections from a file in COCO's results format, without running a model. */
export async function evaluateResults(
  options: EvaluateOptions,
  resultsFile: string,
): Promise<AccuracyReport> {
  const startedAt = new Date();
  const dataset = await readDataset(options.annotations, datasetOptions(options, null, resultsFile));
  const boxes = await readResults(resultsFile, dataset, options.limit !== null);
  return makeAccuracyReport(dataset, boxes, {
    startedAt,
    host: describeHost([]),
    resamples: options.resamples,
    seed: options.seed,
    bundle: null,
    settings: null,
    latencies: null,
    measures: null,
  });
}
