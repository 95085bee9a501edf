import { z } from 'zod';
import { HEADS } from '../core/heads/head.ts';
import { PROVIDERS } from './bundle.ts';
import { INT8_ARITHMETICS, machineKindSchema } from './machine.ts';
import { bundleRefSchema, digestSchema, reportBaseSchema } from './report.ts';

const count = z.int().nonnegative();
const ratio = z.number().min(0).max(1);
const seconds = z.number().nonnegative();
/** A difference of two APs: what was lost, below 0 where it became better. */
const dropSchema = z.number().min(-1).max(1);
const spreadSchema = z.strictObject({ low: z.number(), high: z.number() });

/**
 * Latency of one run (one image, model only), milliseconds, and the ratio to the original that ran in turns
 * with it.
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

/** Accuracy of a candidate on what the search may see. */
export const optimizeSearchAccuracySchema = z.strictObject({
  /** on the search part of the labeled images */
  ap: ratio,
  /** the original's AP less this */
  drop: dropSchema,
  /** bootstrap over images, the original on the same resamples */
  dropInterval: spreadSchema.nullable(),
  dropDeviation: z.number().nonnegative(),
  /**
   * AP against the original's own detections on calibration and search images, relative to the original's
   * against itself
   */
  agreement: z.number().nonnegative(),
  /** the drop that `drop` and `agreement` together make likely, and how sure that is (standard deviation) */
  expectedDrop: dropSchema,
  expectedDeviation: z.number().nonnegative(),
});

/** Arithmetic without which a graph computes something else; null where every CPU computes the same. */
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
  /** what making and measuring it took; next to nothing where an earlier run had done it */
  seconds: seconds.default(0),
  accuracy: optimizeSearchAccuracySchema.nullable(),
  latencyMs: optimizeLatencySchema.nullable(),
  /**
   * `chosen` is the first variant of the bundle, `kept` another of it, `accepted` would do but another does
   * better, `refused` does not hold the floor or gains nothing, `failed` could not be made or does not run.
   */
  verdict: z.enum(CANDIDATE_VERDICTS),
  reason: z.string().min(1),
});

/** What was lost at most, and the best of all candidates that promise to lose no more. */
export const optimizeFloorSchema = z.strictObject({
  maxApDrop: ratio,
  fastest: z.string(),
  latencyRatio: z.number().positive(),
  smallest: z.string(),
  bytesRatio: z.number().positive(),
});

/** Accuracy on the final part: images that nothing was chosen by. */
export const optimizeFinalAccuracySchema = z.strictObject({
  ap: ratio.nullable(),
  ap50: ratio.nullable(),
  interval: spreadSchema.nullable(),
  drop: dropSchema,
  dropInterval: spreadSchema.nullable(),
  apByClass: z.record(z.string(), ratio.nullable()),
  /** mean over classes of the precision at the recall levels 0, 0.01, ... 1, IoU 0.5 */
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
   * on the part that it was chosen by, which flatters what was chosen; null in reports of older versions,
   * which chose by the final part
   */
  choice: z
    .strictObject({ drop: dropSchema, dropInterval: spreadSchema.nullable() })
    .nullable()
    .default(null),
  /** true where the drop on the final part is within the floor too */
  confirmed: z.boolean(),
  latencyMs: optimizeLatencySchema,
});

const partSchema = z.strictObject({ images: count, objects: count, digest: digestSchema });

/** Report of `goshawk optimize`. */
export const optimizeReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.optimize/1'),
  seconds,
  /** where it was measured; null in reports of older versions */
  machine: z
    .strictObject({ kind: machineKindSchema, int8: z.enum(INT8_ARITHMETICS) })
    .nullable()
    .default(null),
  /** null where none was written: a latency target that nothing met */
  bundle: bundleRefSchema.nullable(),
  source: z.strictObject({
    model: z.string(),
    name: z.string(),
    version: z.string(),
    /** of the bundle, or of the foreign file */
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
    /** null in reports of older versions, which chose by the final part */
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
    /** the clock of latency ratios: `cpu` is the time that the process ran, used where one thread runs */
    latencyRatioOf: z.enum(['wall', 'cpu']),
    latencyRounds: z.int().positive(),
    latencyRunsPerRound: z.int().positive(),
  }),
  clean: z.strictObject({
    steps: z.array(z.string()),
    nodesBefore: count,
    nodesAfter: count,
    dynamicBatch: z.boolean(),
    /** over `images`, between the graph that came in and the clean one */
    maxAbsoluteDifference: z.number().nonnegative(),
    maxRelativeDifference: z.number().nonnegative(),
    pictures: count,
    /** null where the clean graph is used; else why not */
    refused: z.string().nullable(),
  }),
  original: z.strictObject({ bytes: count, searchAp: ratio, final: optimizeFinalAccuracySchema }),
  candidates: z.array(optimizeCandidateSchema),
  /** what the time budget left out */
  notTried: z.array(z.strictObject({ what: z.string(), reason: z.string() })),
  sensitivity: z.array(
    z.strictObject({
      node: z.string(),
      opType: z.string(),
      /** relative error of the outputs where only this layer is quantized; null where they were no numbers */
      error: z.number().nonnegative().nullable(),
      parameters: count,
      outputShape: z.array(z.union([z.number(), z.string()])),
      /** in the chosen variant */
      keptInFloat: z.boolean(),
    }),
  ),
  byFloor: z.array(optimizeFloorSchema),
  variants: z.array(optimizeVariantSchema),
  outcome: z.strictObject({
    /** true where the chosen variant is faster or smaller than what came in, by more than the spread of measuring */
    gained: z.boolean(),
    /** true where every variant holds the floor on the final part too */
    confirmed: z.boolean(),
    /** candidates that the search would have taken and the choice part did not confirm */
    contradicted: z.array(z.string()),
    speedup: z.number().positive(),
    bytesRatio: z.number().positive(),
    /** on the final part */
    apDrop: dropSchema,
    text: z.string(),
  }),
  /** graph rules of the TensorRT variant that were broken; null where there is no such variant */
  tensorrt: z.strictObject({ candidate: z.string(), findings: z.array(z.string()) }).nullable(),
  toolVersions: z.record(z.string(), z.string()),
  /** most memory that was resident, bytes; null where the system does not say */
  memory: z.strictObject({ processPeakBytes: count, quantizerPeakBytes: count.nullable() }),
  steps: z.array(z.strictObject({ name: z.string(), seconds, reused: z.boolean() })),
});

export type OptimizeReport = z.infer<typeof optimizeReportSchema>;
export type OptimizeCandidate = z.infer<typeof optimizeCandidateSchema>;
export type OptimizeVariant = z.infer<typeof optimizeVariantSchema>;
export type OptimizeFinalAccuracy = z.infer<typeof optimizeFinalAccuracySchema>;
