import type { AccuracyReport } from '../../../contract/report.ts';
import { describeHost } from '../../../platform/describe-host.ts';
import { makeAccuracyReport } from '../accuracy-report.ts';
import type { Dataset } from '../dataset.ts';
import { DetectorLatencies } from '../detect-dataset.ts';
import type { DetectorResult, ImageDetector } from '../detector.ts';
import { ImageMeasures } from '../image-measures.ts';
import { detectRecording, type EvaluatedRecording } from './detect-recording.ts';
import { RecordedImages, type RecordedImagesOptions } from './recorded-images.ts';
import { judgedDataset, labeledDataset, refuseUnknownLabels } from './recording-dataset.ts';

export interface RecordingsOptions extends Omit<RecordedImagesOptions, 'isLabeled'> {
  /** files and folders of rosbag2 */
  readonly files: readonly string[];
  readonly detector: ImageDetector;
  /** whose detections from a score on are the labels; null for labels in the recordings */
  readonly judge: { readonly detector: ImageDetector; readonly score: number } | null;
  readonly ignoreUnknown: boolean;
  readonly resamples: number;
  readonly seed: number;
  readonly settings: AccuracyReport['settings'];
  /** after each image; `total` is what the recordings say they have */
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Evaluates a detector on recordings: against labels in them, or against a judge. What cannot be decoded is left out
 * and counted by reason. The detectors stay open.
 * @throws GoshawkError GOSHAWK_RECORDING_UNUSABLE, GOSHAWK_CATEGORY_UNKNOWN, GOSHAWK_FILE_UNREADABLE, GOSHAWK_NO_SPACE
 */
export async function evaluateRecordings(options: RecordingsOptions): Promise<AccuracyReport> {
  const startedAt = new Date();
  const { detector, judge } = options;
  const [latencies, measures] = [new DetectorLatencies(), new ImageMeasures(detector)];
  const recordings = await detectAll(options, latencies, measures);
  const images = recordings.flatMap((recording) => recording.images);
  const report = makeAccuracyReport(
    labelsFor(recordings, options),
    images.flatMap(({ boxes }) => boxes),
    {
      startedAt,
      host: describeHost(detector.providers),
      resamples: options.resamples,
      seed: options.seed,
      bundle: detector.bundle,
      settings: options.settings,
      latencies,
      measures: measures.read().measures,
    },
  );
  const named = judge === null ? null : { bundle: judge.detector.bundle, score: judge.score };
  return { ...report, judge: named, recordings: recordings.map(({ facts }) => facts) };
}

/** All are opened first, so that one that cannot be evaluated is known before hours of work. */
async function detectAll(
  options: RecordingsOptions,
  latencies: DetectorLatencies,
  measures: ImageMeasures,
): Promise<EvaluatedRecording[]> {
  const { detector, judge, files, topic, labels } = options;
  if (judge !== null) refuseUnknownLabels(files.join(', '), namedBy(options), judge.detector.labels);
  const open: RecordedImages[] = [];
  const evaluated: EvaluatedRecording[] = [];
  let [before, done] = [0, 0];
  try {
    for (const file of files)
      open.push(await RecordedImages.open(file, { topic, labels, isLabeled: judge === null }));
    const total = open.reduce((sum, { expected }) => sum + expected, 0);
    let measured = 0;
    const measure = (result: DetectorResult): void => {
      measures.add(measured++, result);
    };
    const onImage = (): void => {
      options.onProgress(++done, Math.max(done, total));
    };
    for (const recording of open) {
      const run = { detector, judge: judge?.detector ?? null, before, latencies, measure, onImage };
      const images = await detectRecording(recording, run);
      before += images.length;
      evaluated.push({ facts: factsOf(recording, images.length), images });
    }
  } finally {
    for (const recording of open) await recording.close();
  }
  return evaluated;
}

const namedBy = ({ detector, ignoreUnknown }: RecordingsOptions) => ({
  labels: detector.labels,
  bundle: `${detector.bundle.name}@${detector.bundle.version}`,
  ignoreUnknown,
});

function labelsFor(recordings: readonly EvaluatedRecording[], options: RecordingsOptions): Dataset {
  const { judge } = options;
  const named = namedBy(options);
  return judge === null
    ? labeledDataset(recordings, named)
    : judgedDataset(recordings, named, judge.detector.labels, judge.score);
}

function factsOf(recording: RecordedImages, images: number): EvaluatedRecording['facts'] {
  const { file, sha256, topic, labelTopic, unlabeled, unreadable, notices, refused } = recording;
  return {
    file,
    sha256,
    topic,
    labelTopic,
    images,
    unlabeled,
    unreadable,
    refused: refused.read(),
    notices: [...notices],
  };
}
