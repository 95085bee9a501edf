import { Option, type Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import type { AccuracyReport } from '../contract/report.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { EVALUATE_PREPROCESS, openBundleDetector } from '../tools/evaluate/bundle-detector.ts';
import { evaluateDetector, evaluateResults, type EvaluateOptions } from '../tools/evaluate/evaluate.ts';
import { summarizeAccuracy } from '../tools/evaluate/summary.ts';
import { countProgress } from './kit/live-line.ts';
import { numberFrom, wholeFrom } from './kit/options.ts';
import { withReport } from './kit/report.ts';

interface EvaluateFlags {
  readonly bundle?: string;
  readonly againstDetections?: string;
  readonly annotations: string;
  readonly images?: string;
  readonly report?: string;
  readonly detections?: string;
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
  program
    .command('evaluate')
    .description(
      'accuracy of a bundle on a labeled data set: AP as COCO defines it, with a bootstrap interval',
    )
    .option('--bundle <name|path>', 'the bundle to run')
    .option(
      '--against-detections <file>',
      'evaluate these detections (COCO results JSON) without running a model',
    )
    .requiredOption('--annotations <file>', 'COCO detection annotations')
    .option('--images <dir>', 'folder of the images')
    .option('--report <file>', 'write the results as JSON')
    .option('--detections <file>', 'write the detections as COCO results JSON')
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
}

function usage(reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_USAGE', { reason });
}

async function evaluateBundle(
  reference: string,
  flags: EvaluateFlags,
  options: EvaluateOptions,
): Promise<AccuracyReport> {
  if (flags.images === undefined) throw usage('pass the folder of the images with --images');
  const { score, iou, maxBoxes, threads } = flags;
  const preprocess = flags.preprocess === 'auto' ? 'sharp' : flags.preprocess;
  const multiLabel = !flags.argmax;
  const bundle = await openBundle(reference, (line) => console.error(line));
  const detector = await openBundleDetector({
    bundle,
    preprocess,
    limits: {
      scoreThreshold: score,
      iouThreshold: iou,
      maxDetections: maxBoxes,
      classFilter: null,
      multiLabel,
    },
    engine: { threads },
  });
  try {
    return await evaluateDetector({
      ...options,
      detector,
      images: flags.images,
      settings: { score, iou, maxBoxes, preprocess, multiLabel },
      detectionsFile: flags.detections ?? null,
      onProgress: countProgress('evaluate', 'images'),
    });
  } finally {
    await detector.close();
  }
}

async function evaluation(flags: EvaluateFlags): Promise<AccuracyReport> {
  const { annotations, ignoreUnknown, limit = null, resamples, seed, bundle, againstDetections } = flags;
  const options: EvaluateOptions = { annotations, ignoreUnknown, limit, resamples, seed };
  if (bundle !== undefined && againstDetections === undefined) return evaluateBundle(bundle, flags, options);
  if (againstDetections !== undefined && bundle === undefined) {
    return evaluateResults(options, againstDetections);
  }
  throw usage('pass either --bundle or --against-detections');
}

async function runEvaluate(flags: EvaluateFlags): Promise<void> {
  const report = await withReport(flags.report, () => evaluation(flags), flags.detections);
  console.log(summarizeAccuracy(report));
}
