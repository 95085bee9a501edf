import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { headlineReportSchema, type HeadlineModel, type HeadlineReport } from '../../contract/bench.ts';
import type { BundleVariant } from '../../contract/bundle.ts';
import { describeCheck, type VariantChoice } from '../../contract/engine-choice.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { intervalOf, resampleAp } from '../../core/evaluation/bootstrap.ts';
import { evaluateDetections, type CocoEvaluation } from '../../core/evaluation/evaluate.ts';
import { claimsOf, nameOf, type Bundle } from '../../model/bundle.ts';
import { describeHost } from '../../platform/describe-host.ts';
import { inTemporaryFolder } from '../../platform/temporary-folder.ts';
import { planEngine } from '../../device/inference/plan-engine.ts';
import { machineFingerprint } from '../../device/inference/machine-fingerprint.ts';
import { readDataset, type Dataset } from '../evaluate/dataset.ts';
import { detectDataset } from '../evaluate/detect-dataset.ts';
import { openBundleDetector } from '../evaluate/bundle-detector.ts';
import { measureLatencies, ratioOfThreads, type Latency } from '../optimize/latency.ts';
import { EVALUATION_LIMITS } from '../optimize/detect-stored.ts';
import { simulate } from '../simulate/simulate.ts';
import { SIMULATE_DEFAULTS } from '../simulate/options.ts';

const CONFIDENCE = 0.95;
const RESAMPLES = 1000;
const BOOTSTRAP_SEED = 1;

export interface HeadlineOptions {
  readonly baseline: Bundle;
  readonly optimized: Bundle;
  /** number of scenes that both are evaluated on, and their seed, which no training may have used */
  readonly images: number;
  readonly seed: number;
  /** ONNX Runtime threads while latency is measured */
  readonly threads: number;
  /** turns of each model, and timed runs per turn */
  readonly rounds: number;
  readonly runs: number;
  /** threads for rendering and untimed inference */
  readonly workers: number;
  readonly signal: AbortSignal;
  readonly onProgress: (activity: string, done: number, total: number) => void;
}

/** A bundle, and the variant that the runtime chooses on this machine. */
interface Contender {
  readonly bundle: Bundle;
  readonly variant: BundleVariant;
  /** ONNX Runtime's exact 8-bit kernels */
  readonly exactInt8: boolean;
  readonly choice: VariantChoice;
}

/**
 * The variant that the runtime chooses for the CPU provider: the fastest on this machine that reproduces its
 * reference outputs. Throws GOSHAWK_USAGE if there is none.
 */
async function contenderOf(bundle: Bundle, threads: number): Promise<Contender> {
  const { candidates, choice } = await planEngine({ bundle, threads, preferred: ['cpu'] });
  const [taken] = candidates;
  if (taken === undefined) {
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: `${nameOf(bundle)} has no variant that the CPU provider can run on this machine`,
    });
  }
  return { bundle, variant: taken.variant, exactInt8: taken.exactInt8, choice };
}

/**
 * Throws GOSHAWK_USAGE unless both bundles have the same input and classes, because anything else is not
 * comparable.
 */
function checkComparable({ manifest: a }: Bundle, { manifest: b }: Bundle): void {
  const [before, after] = [a, b].map(({ input: { width, height }, labels }) =>
    JSON.stringify({ width, height, labels }),
  );
  if (before === after) return;
  throw new GoshawkError('GOSHAWK_USAGE', {
    reason: `${a.name} and ${b.name} differ in input size or labels, so a ratio between them is meaningless`,
  });
}

/**
 * Compares an optimized bundle with the baseline it came from, in one run on one machine: accuracy on freshly
 * rendered scenes of a seed that was not trained on, with the runtime's own preprocessing and engine; latency
 * of the graphs in turn; bytes of the files. Throws GOSHAWK_USAGE if the two cannot be compared, and what
 * rendering and evaluation throw.
 */
export async function benchHeadline(options: HeadlineOptions): Promise<HeadlineReport> {
  const { baseline, optimized, threads, rounds, runs, signal, onProgress } = options;
  checkComparable(baseline, optimized);
  const startedAt = new Date();
  const machine = await machineFingerprint();
  onProgress('latency', 0, rounds);
  const ratioOf = ratioOfThreads(threads);
  const contenders = [await contenderOf(baseline, threads), await contenderOf(optimized, threads)] as const;
  const graphs = await Promise.all(
    contenders.map(({ bundle: { folder }, variant: { file } }) => readFile(join(folder, file))),
  );
  // the optimized one comes first, so that the ratio is baseline / optimized
  const [own, base] = await measureLatencies([graphs[1]!, graphs[0]!], {
    claims: claimsOf(baseline.manifest),
    ...{ threads, rounds, runs, ratioOf, signal },
    exactInt8: [contenders[1].exactInt8, contenders[0].exactInt8],
  });
  onProgress('latency', rounds, rounds);

  return inTemporaryFolder('headline', async (folder) => {
    const scenes = join(folder, 'scenes');
    const { images: count, seed, workers } = options;
    await simulate({ ...SIMULATE_DEFAULTS, out: scenes, count, seed, workers }, reported('scenes'), signal);
    const dataset = await readDataset(join(scenes, 'annotations.json'), {
      labels: baseline.manifest.labels,
      bundle: nameOf(baseline),
      ignoreUnknown: false,
      limit: null,
    });
    const [before, after] = [
      await judge(contenders[0], dataset, scenes, options, reported('baseline')),
      await judge(contenders[1], dataset, scenes, options, reported('optimized')),
    ];
    const float = floatVariantOf(contenders[1]);
    const unquantized =
      float &&
      (await judge({ bundle: optimized, variant: float }, dataset, scenes, options, reported('float graph')));
    const models = [describe(contenders[0], before, base!), describe(contenders[1], after, own!)] as const;
    return headlineReportSchema.parse({
      schema: 'goshawk.report.bench-headline/1',
      startedAt: startedAt.toISOString(),
      host: describeHost(['cpu']),
      seconds: (Date.now() - startedAt.getTime()) / 1000,
      machine: { kind: machine.kind, int8: machine.int8 },
      settings: { threads, rounds, runs, ratioOf, provider: 'cpu', input: sizeOf(baseline) },
      scenes: { images: count, seed, digest: dataset.digest },
      baseline: models[0],
      optimized: models[1],
      headline: {
        speedup: base!.ratio,
        speedupSpread: { low: base!.ratioLow, high: base!.ratioHigh },
        bytesRatio: models[1].bytes / models[0].bytes,
        apDrop: models[0].ap - models[1].ap,
        apDropInterval: dropInterval(before, after, count),
      },
      quantization: unquantized && {
        floatVariant: float.id,
        floatAp: unquantized.stats.ap ?? 0,
        apDrop: (unquantized.stats.ap ?? 0) - (after.stats.ap ?? 0),
        apDropInterval: dropInterval(unquantized, after, count),
      },
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    });
  });

  function reported(activity: string): (done: number, total: number) => void {
    return (done, total) => {
      signal.throwIfAborted();
      onProgress(activity, done, total);
    };
  }
}

/** The float graph of the same bundle; null if that is the one that runs, or there is none. */
function floatVariantOf({ bundle, variant }: Contender): BundleVariant | null {
  const float = bundle.manifest.variants.find(
    ({ id, precision, providers }) => precision === 'fp32' && id !== variant.id && providers.includes('cpu'),
  );
  return variant.precision === 'fp32' ? null : (float ?? null);
}

function sizeOf({ manifest }: Bundle): { width: number; height: number } {
  return { width: manifest.input.width, height: manifest.input.height };
}

async function judge(
  { bundle, variant }: Pick<Contender, 'bundle' | 'variant'>,
  dataset: Dataset,
  scenes: string,
  { workers }: HeadlineOptions,
  onProgress: (done: number, total: number) => void,
): Promise<CocoEvaluation> {
  const detector = await openBundleDetector({
    bundle,
    preprocess: 'sharp',
    limits: EVALUATION_LIMITS,
    engine: { threads: workers, preferred: ['cpu'], variant: variant.id },
  });
  try {
    const { boxes } = await detectDataset(dataset, join(scenes, 'images'), detector, onProgress);
    const images = dataset.images.length;
    return evaluateDetections({
      images,
      classes: dataset.labels.length,
      truths: dataset.truths,
      detections: boxes,
    });
  } finally {
    await detector.close();
  }
}

function describe(
  { bundle, variant, exactInt8, choice }: Contender,
  { stats, classes }: CocoEvaluation,
  { p25, p50, p75, p99, runs }: Latency,
): HeadlineModel {
  const { manifest, digest } = bundle;
  const { id, precision, bytes, requires } = variant;
  return {
    bundle: { name: manifest.name, version: manifest.version, digest },
    variant: id,
    requires: requires ?? null,
    ...{ exactInt8, choice },
    reference: choice.candidates.find((entry) => entry.variant === id)?.check ?? null,
    ...{ precision, bytes, parameters: manifest.parameters, macs: manifest.macs },
    ap: stats.ap ?? 0,
    ap50: stats.ap50 ?? 0,
    apByClass: Object.fromEntries(manifest.labels.map((label, index) => [label, classes[index]?.ap ?? null])),
    latencyMs: { p25, p50, p75, p99, runs },
  };
}

function dropInterval(
  before: CocoEvaluation,
  after: CocoEvaluation,
  images: number,
): HeadlineReport['headline']['apDropInterval'] {
  const draw = { images, resamples: RESAMPLES, seed: BOOTSTRAP_SEED };
  const own = resampleAp(after.matches, draw);
  const drops = resampleAp(before.matches, draw).map((ap, i) => ap - own[i]!);
  return intervalOf(drops, CONFIDENCE);
}

/** The table for a terminal. */
export function headlineTable(report: HeadlineReport): string {
  const { baseline, optimized, headline, quantization, scenes, settings, machine } = report;
  const row = (what: string, before: string, after: string, change: string): string =>
    `${what.padEnd(22)}${before.padStart(14)}${after.padStart(14)}   ${change}`;
  const ms = ({ latencyMs: { p25, p50, p75 } }: HeadlineModel): string =>
    `${p50.toFixed(2)} ±${((p75 - p25) / 2).toFixed(2)}`;
  const points = (share: number): string => (share * 100).toFixed(2);
  const spread = (interval: { low: number; high: number } | null): string =>
    interval === null ? '' : ` (95 %: ${points(interval.low)} to ${points(interval.high)})`;
  const { speedup, speedupSpread, bytesRatio, apDrop, apDropInterval } = headline;
  const names = [baseline, optimized].map(
    ({ bundle, variant }) => `${bundle.name}@${bundle.version} ${variant}`,
  );
  return [
    `baseline  ${names[0]}`,
    `optimized ${names[1]}`,
    ...(optimized.reference === null ? [] : [`reference ${describeCheck(optimized.reference)}`]),
    `machine   ${machine.kind}, 8-bit sums ${machine.int8 === 'exact' ? 'exact' : 'that saturate'}`,
    row('', 'baseline', 'optimized', ''),
    row(
      'latency p50, ms',
      ms(baseline),
      ms(optimized),
      `${speedup.toFixed(2)}x faster (quartiles ${speedupSpread.low.toFixed(2)} to ` +
        `${speedupSpread.high.toFixed(2)}; ${settings.threads} thread(s), CPU provider)`,
    ),
    row('bytes', String(baseline.bytes), String(optimized.bytes), `${points(bytesRatio)} %`),
    row(
      'AP50-95, points',
      points(baseline.ap),
      points(optimized.ap),
      `${points(apDrop)} lost` +
        (apDropInterval === null
          ? ''
          : ` (95 %: ${points(apDropInterval.low)} to ${points(apDropInterval.high)}; ` +
            `${scenes.images} scenes of seed ${scenes.seed})`),
    ),
    ...(quantization === null
      ? []
      : [
          row(
            '  of these by 8 bits',
            points(quantization.floatAp),
            points(optimized.ap),
            `${points(quantization.apDrop)} lost` +
              spread(quantization.apDropInterval) +
              `: ${quantization.floatVariant} and ${optimized.variant} of the same bundle`,
          ),
        ]),
    row('AP50, points', points(baseline.ap50), points(optimized.ap50), ''),
    row('parameters', String(baseline.parameters), String(optimized.parameters), ''),
    row('multiply-adds', String(baseline.macs), String(optimized.macs), ''),
  ].join('\n');
}
