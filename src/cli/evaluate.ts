import { Option, type Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import type { AccuracyReport } from '../contract/report.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { EVALUATE_PREPROCESS, openBundleDetector } from '../tools/evaluate/bundle-detector.ts';
import type { ImageDetector } from '../tools/evaluate/detector.ts';
import { evaluateDetector, evaluateResults, type EvaluateOptions } from '../tools/evaluate/evaluate.ts';
import { evaluateRecordings } from '../tools/evaluate/recording/evaluate-recordings.ts';
import { findRecordings } from '../tools/recordings/find-recordings.ts';
import { summarizeAccuracy } from '../tools/evaluate/summary.ts';
import type { ObserveOptions } from '../tools/drift/observe-images.ts';
import { countProgress } from './kit/live-line.ts';
import { numberFrom, repeated, wholeFrom } from './kit/options.ts';
import { withOutcome } from './kit/report.ts';
import { addRobotLimitOptions, robotLimits } from './kit/robot-options.ts';
import { checkImageReference, writeImageReference } from './reference-file.ts';

interface EvaluateFlags {
  readonly bundle?: string;
  readonly againstDetections?: string;
  readonly annotations?: string;
  readonly recording?: readonly string[];
  readonly topic?: string;
  readonly labelsTopic?: string;
  readonly judge?: string;
  readonly judgeScore: number;
  readonly images?: string;
  readonly report?: string;
  readonly detections?: string;
  readonly driftReferenceOut?: string;
  readonly score: number;
  readonly iou: number;
  readonly maxBoxes: number;
  readonly argmax: boolean;
  readonly preprocess: 'auto' | (typeof EVALUATE_PREPROCESS)[number];
  readonly limit?: number;
  readonly ignoreUnknown: boolean;
  readonly resamples: number;
  readonly seed: number;
  readonly threads: number;
}

/** Adds `goshawk evaluate` to the program. */
export function registerEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description(
      'accuracy of a bundle on a labeled data set: AP as COCO defines it, with a bootstrap interval',
    )
    .option('--bundle <name|path>', 'the bundle to run')
    .option(
      '--against-detections <file>',
      'evaluate these detections (COCO results JSON) without running a model',
    )
    .option('--annotations <file>', 'COCO detection annotations')
    .option(
      '--recording <path>',
      'evaluate the images of a recording, clip or rosbag2 folder, or of all in a folder (repeatable)',
      repeated,
    )
    .option('--topic <name>', 'its image topic (default: the most suitable one)')
    .option(
      '--labels-topic <name>',
      'its topic of labels, vision_msgs/msg/Detection2DArray (default: one named ground_truth or labels)',
    )
    .option('--judge <name|path>', 'a larger bundle, whose detections are the labels of recordings')
    .option('--judge-score <s>', 'score from which detections of the judge are labels', numberFrom(0, 1), 0.5)
    .option('--images <dir>', 'folder of the images')
    .option('--report <file>', 'write the results as JSON')
    .option('--detections <file>', 'write the detections as COCO results JSON')
    .option(
      '--drift-reference-out <file>',
      'also write what a robot observes in the images, as a drift reference (docs/drift.md)',
    )
    .option('--score <s>', 'score from which detections count', numberFrom(0, 1), 0.01)
    .option('--iou <t>', 'IoU threshold of suppression within a class', numberFrom(0, 1), 0.65)
    .option('--max-boxes <n>', 'maximum detections per image', wholeFrom(1, 10_000), 300)
    .option(
      '--argmax',
      'only the best class of a box, which is what the robot publishes (default: all above ' +
        '--score, as in Python evaluations)',
      false,
    )
    .addOption(
      new Option('--preprocess <way>', 'what resizes images for the network (auto: sharp)')
        .choices(['auto', ...EVALUATE_PREPROCESS])
        .default('auto'),
    )
    .option('--limit <n>', 'evaluate only the first n images by id', wholeFrom(1, 10_000_000))
    .option('--ignore-unknown', 'ignore objects of categories that the bundle has no label for', false)
    .option(
      '--resamples <n>',
      'bootstrap resamples for the interval, 0 for none',
      wholeFrom(0, 100_000),
      1000,
    )
    .option('--seed <s>', 'seed of the interval', wholeFrom(0, 2 ** 31), 1)
    .option('--threads <n>', 'threads of inference', wholeFrom(1, 256), 2)
    .action(runEvaluate);
  addRobotLimitOptions(command);
}

function usage(reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_USAGE', { reason });
}

/** What a detector is run with, and what the report says of it. */
function settingsOf({ score, iou, maxBoxes, preprocess, argmax }: EvaluateFlags) {
  const way: (typeof EVALUATE_PREPROCESS)[number] = preprocess === 'auto' ? 'sharp' : preprocess;
  return { score, iou, maxBoxes, preprocess: way, multiLabel: !argmax };
}

async function openDetector(reference: string, flags: EvaluateFlags): Promise<ImageDetector> {
  const { score, iou, maxBoxes, preprocess, multiLabel } = settingsOf(flags);
  const bundle = await openBundle(reference, (line) => console.error(line));
  return openBundleDetector({
    bundle,
    preprocess,
    limits: {
      scoreThreshold: score,
      iouThreshold: iou,
      maxDetections: maxBoxes,
      classFilter: null,
      multiLabel,
    },
    engine: { threads: flags.threads },
  });
}

async function evaluateBundle(
  reference: string,
  flags: EvaluateFlags,
  options: EvaluateOptions,
): Promise<AccuracyReport> {
  if (flags.images === undefined) throw usage('pass the folder of the images with --images');
  const detector = await openDetector(reference, flags);
  try {
    return await evaluateDetector({
      ...options,
      detector,
      images: flags.images,
      settings: settingsOf(flags),
      detectionsFile: flags.detections ?? null,
      onProgress: countProgress('evaluate', 'images'),
    });
  } finally {
    await detector.close();
  }
}

async function evaluateFiles(paths: readonly string[], flags: EvaluateFlags): Promise<AccuracyReport> {
  const { bundle, judge, ignoreUnknown, resamples, seed } = flags;
  if (bundle === undefined) throw usage('pass the bundle to evaluate with --bundle');
  const { annotations, images, againstDetections, detections, limit } = flags;
  if ([annotations, images, againstDetections, detections, limit].some((other) => other !== undefined))
    throw usage(
      '--recording goes with none of --annotations, --images, --against-detections, --detections, --limit',
    );
  const files = await findRecordings(paths);
  const detector = await openDetector(bundle, flags);
  const judging =
    judge === undefined
      ? null
      : await openDetector(judge, flags).catch(async (error: unknown) => {
          await detector.close();
          throw error;
        });
  try {
    return await evaluateRecordings({
      files,
      topic: flags.topic ?? null,
      labels: flags.labelsTopic ?? null,
      detector,
      judge: judging === null ? null : { detector: judging, score: flags.judgeScore },
      ignoreUnknown,
      resamples,
      seed,
      settings: settingsOf(flags),
      onProgress: countProgress('evaluate', 'images'),
    });
  } finally {
    await judging?.close();
    await detector.close();
  }
}

async function evaluation(flags: EvaluateFlags): Promise<AccuracyReport> {
  const {
    annotations,
    recording,
    ignoreUnknown,
    limit = null,
    resamples,
    seed,
    bundle,
    againstDetections,
  } = flags;
  if (recording !== undefined) return evaluateFiles(recording, flags);
  if (annotations === undefined) throw usage('pass either --annotations or --recording');
  const options: EvaluateOptions = { annotations, ignoreUnknown, limit, resamples, seed };
  if (bundle !== undefined && againstDetections === undefined) return evaluateBundle(bundle, flags, options);
  if (againstDetections !== undefined && bundle === undefined) {
    return evaluateResults(options, againstDetections);
  }
  throw usage('pass either --bundle or --against-detections');
}

async function runEvaluate(flags: EvaluateFlags): Promise<void> {
  const { driftReferenceOut, detections } = flags;
  const work = async () => {
    const observed = driftReferenceOut === undefined ? null : await whatToObserve(flags);
    return { report: await evaluation(flags), observed };
  };
  const { report, observed } = await withOutcome(flags.report, work, detections, driftReferenceOut);
  console.log(summarizeAccuracy(report));
  // the images once more, as a robot sees them
  if (driftReferenceOut !== undefined && observed !== null)
    await writeImageReference(driftReferenceOut, observed);
}

/** What a reference is made of, checked before the evaluation. */
async function whatToObserve(flags: EvaluateFlags): Promise<Omit<ObserveOptions, 'onProgress'>> {
  const { bundle, annotations, images, recording, againstDetections, limit = null, threads } = flags;
  if (bundle === undefined || annotations === undefined || images === undefined) throw usage(NO_REFERENCE);
  if ((recording ?? againstDetections) !== undefined) throw usage(NO_REFERENCE);
  const { preprocess } = settingsOf(flags);
  const opened = await openBundle(bundle, (line) => console.error(line));
  const limits = robotLimits(flags);
  await checkImageReference(opened.manifest, { annotations, limit, limits });
  return { bundle: opened, annotations, images, limit, preprocess, threads, limits };
}

const NO_REFERENCE =
  '--drift-reference-out needs --bundle, --annotations and --images; for recordings: goshawk drift reference';
