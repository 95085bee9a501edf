import { InvalidArgumentError, Option, type Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import type { AccuracyReport } from '../contract/report.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { checkOutputFiles, writeReport } from '../platform/outputs.ts';
import { EVALUATE_PREPROCESS, openBundleDetector } from '../tools/evaluate/bundle-detector.ts';
import { evaluateDetector, evaluateResults, type EvaluateOptions } from '../tools/evaluate/evaluate.ts';
import { summarize } from '../tools/evaluate/summary.ts';
import { wholeFrom } from './numbers.ts';

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

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}

/** Adds `goshawk evaluate` to the program. */
export function registerEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description(
      'accuracy of a bundle on a labeled data set: AP as COCO defines it, with a bootstrap interval',
    )
    .option('--bundle <name|path>', 'the bundle to run')
    .option('--against-detections <file>', 'evaluate these detections (COCO results JSON) and run no model')
    .requiredOption('--annotations <file>', 'COCO detection annotations')
    .option('--images <dir>', 'folder of the images')
    .option('--report <file>', 'write the figures as JSON')
    .option('--detections <file>', 'write the detections as COCO results JSON')
    .option('--score <s>', 'detections above this score count', share, 0.01)
    .option('--iou <t>', 'IoU of suppression within a class', share, 0.65)
    .option('--max-boxes <n>', 'detections of an image', wholeFrom(1, 10_000), 300)
    .option(
      '--argmax',
      'only the best class of a box, which is what the robot publishes (else all above ' +
        '--score, as evaluations in Python do)',
      false,
    )
    .addOption(
      new Option('--preprocess <way>', 'how images reach the size of the network (auto: sharp)')
        .choices(['auto', ...EVALUATE_PREPROCESS])
        .default('auto'),
    )
    .option('--limit <n>', 'only the first images by id', wholeFrom(1, 10_000_000))
    .option('--ignore-unknown', 'leave out objects of categories that the bundle has no label for', false)
    .option('--resamples <n>', 'data sets drawn for the interval, 0 for none', wholeFrom(0, 100_000), 1000)
    .option('--seed <s>', 'seed of the interval', wholeFrom(0, 2 ** 31), 1)
    .option('--threads <n>', 'threads of inference', wholeFrom(1, 256), 2)
    .action(runEvaluate);
}

function usage(reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_USAGE', { reason });
}

function showProgress(): (done: number, total: number) => void {
  const live = process.stderr.isTTY;
  let shown = performance.now();
  return (done, total) => {
    const now = performance.now();
    if (now - shown < (live ? 200 : 5000) && done < total) return;
    shown = now;
    process.stderr.write(
      `${live ? '\r' : ''}evaluate: ${done}/${total} images${live && done < total ? '' : '\n'}`,
    );
  };
}

async function evaluateBundle(
  reference: string,
  flags: EvaluateFlags,
  options: EvaluateOptions,
): Promise<AccuracyReport> {
  if (flags.images === undefined) throw usage('give the folder of the images with --images');
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
      onProgress: showProgress(),
    });
  } finally {
    await detector.close();
  }
}

async function runEvaluate(flags: EvaluateFlags): Promise<void> {
  const { annotations, ignoreUnknown, limit = null, resamples, seed, bundle, againstDetections } = flags;
  const options: EvaluateOptions = { annotations, ignoreUnknown, limit, resamples, seed };
  await checkOutputFiles(flags.report, flags.detections);
  let report: AccuracyReport;
  if (bundle !== undefined && againstDetections === undefined) {
    report = await evaluateBundle(bundle, flags, options);
  } else if (againstDetections !== undefined && bundle === undefined) {
    report = await evaluateResults(options, againstDetections);
  } else {
    throw usage('give either --bundle or --against-detections');
  }
  if (flags.report !== undefined) await writeReport(flags.report, report);
  console.log(summarize(report));
}
