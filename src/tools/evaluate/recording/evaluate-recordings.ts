import type { AccuracyReport } from '../../../contract/report.ts';
import { describeHost } from '../../../platform/describe-host.ts';
import { inTemporaryFolder } from '../../../platform/temporary-folder.ts';
import { makeAccuracyReport } from '../accuracy-report.ts';
import { detectDataset } from '../detect-dataset.ts';
import type { Dataset } from '../dataset.ts';
import type { ImageDetector } from '../detector.ts';
import { extractRecording, type ExtractedRecording, type ExtractOptions } from './extract.ts';
import { judgedDataset, labeledDataset } from './recording-dataset.ts';

export interface RecordingsOptions extends Omit<ExtractOptions, 'isLabeled'> {
  readonly files: readonly string[];
  readonly detector: ImageDetector;
  /** whose detections from a score on are the labels; null for labels in the recordings */
  readonly judge: { readonly detector: ImageDetector; readonly score: number } | null;
  readonly ignoreUnknown: boolean;
  readonly resamples: number;
  readonly seed: number;
  readonly settings: AccuracyReport['settings'];
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Evaluates a detector on recordings: against labels in them, or against a judge. The detectors stay open.
 * @throws GoshawkError GOSHAWK_RECORDING_UNUSABLE, GOSHAWK_CATEGORY_UNKNOWN
 */
export function evaluateRecordings(options: RecordingsOptions): Promise<AccuracyReport> {
  return inTemporaryFolder('recordings', async (folder) => {
    const startedAt = new Date();
    const { files, detector, judge } = options;
    const recordings: ExtractedRecording[] = [];
    for (const [index, file] of files.entries()) {
      const extract = { topic: options.topic, labels: options.labels, isLabeled: judge === null };
      recordings.push(await extractRecording(file, folder, String(index), extract));
    }
    const dataset = await labelsFor(recordings, folder, options);
    const { boxes, latencies, observed } = await detectDataset(dataset, folder, detector, options.onProgress);
    const report = makeAccuracyReport(dataset, boxes, {
      startedAt,
      host: describeHost(detector.providers),
      resamples: options.resamples,
      seed: options.seed,
      bundle: detector.bundle,
      settings: options.settings,
      latencies,
      measures: observed.measures,
    });
    const named = judge === null ? null : { bundle: judge.detector.bundle, score: judge.score };
    return { ...report, judge: named, recordings: recordings.map(factsOf) };
  });
}

async function labelsFor(
  recordings: readonly ExtractedRecording[],
  folder: string,
  { detector, judge, ignoreUnknown }: RecordingsOptions,
): Promise<Dataset> {
  const bundle = `${detector.bundle.name}@${detector.bundle.version}`;
  const named = { labels: detector.labels, bundle, ignoreUnknown };
  if (judge === null) return labeledDataset(recordings, named);
  const { labels } = judge.detector;
  const unlabeled = judgedDataset(recordings, { ...named, ignoreUnknown: true }, [], labels, 0);
  const { boxes } = await detectDataset(unlabeled, folder, judge.detector, () => undefined);
  return judgedDataset(recordings, named, boxes, labels, judge.score);
}

function factsOf({ images, notices, ...facts }: ExtractedRecording) {
  return { ...facts, images: images.length, notices: [...notices] };
}
