import { PROVIDERS } from './providers.ts';
import { z } from 'zod';
import { HEADS } from '../core/heads/head-table.ts';
import { INT8_ARITHMETICS, machineKindSchema } from './machine.ts';
import { bundleRefSchema, digestSchema, reportBaseSchema } from './report.ts';

const count = z.int().nonnegative();
const ratio = z.number().min(0).max(1);
const seconds = z.number().nonnegative();
/** A drop in AP; negative if it improved. */
const dropSchema = z.number().min(-1).max(1);
const spreadSchema = z.strictObject({ low: z.number(), high: z.number() });

/**
 * Latency of one run (one image, model only) in milliseconds, and the ratio to the original, which ran in
 * alternation with it.
 */
export const optimizeLatencySchema = z.strictObject({
  p25: seconds,
  p50: seconds,
  p75: seconds,
  p99: seconds,
  runs: z.int().positive(),
  /** median over rounds of the time of a turn / the original's in the same round; below 1 is faster */
  ratio: z.number().positive(),
  /** quartiles of the rounds' ratios */
  ratioLow: z.number().positive(),
  ratioHigh: z.number().positive(),
});

/** Accuracy of a candidate on the images that the search may use. */
export const optimizeSearchAccuracySchema = z.strictObject({
  /** on the search part of the labeled images */
  ap: ratio,
  /** the original's AP minus this */
  drop: dropSchema,
  /** bootstrap over images, with the same resamples for the original */
  dropInterval: spreadSchema.nullable(),
  dropDeviation: z.number().nonnegative(),
  /**
   * AP with the original's detections on calibration and search images as ground truth, relative to the
   * original's own score
   */
  agreement: z.number().nonnegative(),
  /** the drop estimated from `drop` and `agreement` together, and its standard deviation */
  expectedDrop: dropSchema,
  expectedDeviation: z.number().nonnegative(),
});

/** The arithmetic that a graph needs for correct results; null if it is the same on every CPU. */
const requirementSchema = z.strictObject({ int8: z.literal('exact') });

export const CANDIDATE_KINDS = [
  'original',
  'clean',
  'polish',
  'half',
  'dynamic',
  'weights',
  'static',
] as const;

export const CANDIDATE_VERDICTS = ['chosen', 'kept', 'accepted', 'refused', 'failed'] as const;

export const optimizeCandidateSchema = z.strictObject({
  id: z.string().min(1),
  kind: z.enum(CANDIDATE_KINDS),
  /** how it was quantized; null for other kinds */
  scheme: z.record(z.string(), z.unknown()).nullable(),
  sha256: digestSchema.nullable(),
  bytes: count,
  quantizedLayers: count,
  floatLayers: count,
  requires: requirementSchema.nullable().default(null),
  /** time to make and measure it; close to zero if an earlier run had done so */
  seconds: seconds.default(0),
  accuracy: optimizeSearchAccuracySchema.nullable(),
  latencyMs: optimizeLatencySchema.nullable(),
  /**
   * `chosen` is the first variant of the bundle, `kept` is another variant of it, `accepted` is good enough
   * but another is better, `refused` misses the floor or gains nothing, `failed` could not be made or does
   * not run.
   */
  verdict: z.enum(CANDIDATE_VERDICTS),
  reason: z.string().min(1),
});

/** A limit on the drop, and the best of the candidates that are expected to stay within it. */
export const optimizeFloorSchema = z.strictObject({
  maxApDrop: ratio,
  fastest: z.string(),
  latencyRatio: z.number().positive(),
  smallest: z.string(),
  bytesRatio: z.number().positive(),
});

/** Accuracy on the final part: images that played no role in choosing anything. */
export const optimizeFinalAccuracySchema = z.strictObject({
  ap: ratio.nullable(),
  ap50: ratio.nullable(),
  interval: spreadSchema.nullable(),
  drop: dropSchema,
  dropInterval: spreadSchema.nullable(),
  apByClass: z.record(z.string(), ratio.nullable()),
  /** precision at the recall levels 0, 0.01, ... 1 at IoU 0.5, averaged over classes */
  precisionRecall50: z.array(ratio).length(101).nullable(),
});

export const optimizeVariantSchema = z.strictObject({
  id: z.string(),
  candidate: z.string(),
  file: z.string(),
  precision: z.string(),
  providers: z.array(z.enum(PROVIDERS)),
  requires: requirementSchema.nullable().default(null),
  bytes: count,
  bytesRatio: z.number().positive(),
  /** why it is in the bundle */
  reason: z.string().min(1),
  final: optimizeFinalAccuracySchema,
  /**
   * on the choice part, which flatters the chosen candidate; null in reports of older versions, which chose
   * on the final part
   */
  choice: z
    .strictObject({ drop: dropSchema, dropInterval: spreadSchema.nullable() })
    .nullable()
    .default(null),
  /** true if the drop on the final part is within the floor too */
  confirmed: z.boolean(),
  /** null if it was not timed, because its 8-bit sums saturate on the machine that measured */
  latencyMs: optimizeLatencySchema.nullable(),
});

const partSchema = z.strictObject({ images: count, objects: count, digest: digestSchema });

/** Report of `goshawk optimize`. */
export const optimizeReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.optimize/1'),
  seconds,
  /** the machine that it was measured on; null in reports of older versions */
  machine: z
    .strictObject({ kind: machineKindSchema, int8: z.enum(INT8_ARITHMETICS) })
    .nullable()
    .default(null),
  /** null if none was written because no candidate met the latency target */
  bundle: bundleRefSchema.nullable(),
  source: z.strictObject({
    model: z.string(),
    name: z.string(),
    version: z.string(),
    /** sha256 of the bundle, or of the foreign file */
    digest: digestSchema,
    head: z.enum(HEADS),
    labels: z.int().positive(),
    input: z.strictObject({ width: z.int(), height: z.int() }),
    parameters: count,
    macs: count,
  }),
  options: z.strictObject({
    maxApDrop: ratio,
    maxLatencyMs: z.number().positive().nullable(),
    timeBudgetMinutes: z.number().positive().nullable(),
    threads: z.int().positive(),
    seed: count,
    searchShare: z.number().gt(0).lt(1),
  }),
  data: z.strictObject({
    annotations: z.strictObject({ file: z.string(), digest: digestSchema }),
    calibration: z.strictObject({ folder: z.string(), images: count, digest: digestSchema }),
    search: partSchema,
    /** null in reports of older versions, which chose on the final part */
    choice: partSchema.nullable().default(null),
    final: partSchema,
  }),
  /** how accuracy and latency were measured */
  conditions: z.strictObject({
    provider: z.enum(PROVIDERS),
    threads: z.int().positive(),
    spinning: z.boolean(),
    preprocess: z.string(),
    score: ratio,
    iou: ratio,
    maxBoxes: z.int().positive(),
    multiLabel: z.boolean(),
    confidence: ratio,
    resamples: z.int().positive(),
    /** the clock behind latency ratios: `cpu` is the CPU time of the process, used with one thread */
    latencyRatioOf: z.enum(['wall', 'cpu']),
    latencyRounds: z.int().positive(),
    latencyRunsPerRound: z.int().positive(),
  }),
  clean: z.strictObject({
    steps: z.array(z.string()),
    nodesBefore: count,
    nodesAfter: count,
    dynamicBatch: z.boolean(),
    /** over `images`, between the source graph and the cleaned one */
    maxAbsoluteDifference: z.number().nonnegative(),
    maxRelativeDifference: z.number().nonnegative(),
    pictures: count,
    /** why the cleaned graph is not used; null if it is */
    refused: z.string().nullable(),
  }),
  original: z.strictObject({ bytes: count, searchAp: ratio, final: optimizeFinalAccuracySchema }),
  candidates: z.array(optimizeCandidateSchema),
  /** what was skipped for lack of time */
  notTried: z.array(z.strictObject({ what: z.string(), reason: z.string() })),
  sensitivity: z.array(
    z.strictObject({
      node: z.string(),
      opType: z.string(),
      /** relative error of the outputs if only this layer is quantized; null if they were not numbers */
      error: z.number().nonnegative().nullable(),
      parameters: count,
      outputShape: z.array(z.union([z.number(), z.string()])),
      /** true if the chosen variant keeps it in float */
      keptInFloat: z.boolean(),
    }),
  ),
  byFloor: z.array(optimizeFloorSchema),
  variants: z.array(optimizeVariantSchema),
  outcome: z.strictObject({
    /** true if the chosen variant is faster or smaller than the source by more than the measurement noise */
    gained: z.boolean(),
    /** true if every variant stays within the floor on the final part too */
    confirmed: z.boolean(),
    /** candidates that the search would have chosen but the choice part did not confirm */
    contradicted: z.array(z.string()),
    speedup: z.number().positive(),
    bytesRatio: z.number().positive(),
    /** on the final part */
    apDrop: dropSchema,
    text: z.string(),
  }),
  /** TensorRT graph rules that the TensorRT variant breaks; null if there is no such variant */
  tensorrt: z.strictObject({ candidate: z.string(), findings: z.array(z.string()) }).nullable(),
  toolVersions: z.record(z.string(), z.string()),
  /** peak resident memory in bytes; null if the system does not report it */
  memory: z.strictObject({ processPeakBytes: count, quantizerPeakBytes: count.nullable() }),
  steps: z.array(z.strictObject({ name: z.string(), seconds, reused: z.boolean() })),
});

export type OptimizeReport = z.infer<typeof optimizeReportSchema>;
export type OptimizeCandidate = z.infer<typeof optimizeCandidateSchema>;
export type OptimizeVariant = z.infer<typeof optimizeVariantSchema>;
export type OptimizeFinalAccuracy = z.infer<typeof optimizeFinalAccuracySchema>;
