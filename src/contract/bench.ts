import { z } from 'zod';
import { referenceCheckSchema, variantChoiceSchema } from './engine-choice.ts';
import { INT8_ARITHMETICS, machineKindSchema } from './machine.ts';
import { bundleRefSchema, digestSchema, framesSchema, latencySchema, reportBaseSchema } from './report.ts';

/** What `test/peers/detection_listener.py` prints. */
export const listenerReportSchema = z.strictObject({
  received: z.int().min(0),
  skipped: z.int().min(0),
  latencyMs: z.array(z.number()),
  arrivals: z.array(z.number()),
  stamps: z.array(z.number()),
  boxes: z.int().min(0),
  empty: z.int().min(0),
});

/** What the camera node writes to its `stamps_file`: seconds since the epoch of each frame it published. */
export const cameraStampsSchema = z.array(z.number());

/** One camera in another process at one rate into one detector, seen from a listener in a third. */
export const rosTrialSchema = z.strictObject({
  who: z.enum(['goshawk', 'python-peer']),
  /** frames per second that the camera is to publish */
  rate: z.number().positive(),
  seconds: z.number().positive(),
  sent: z.int().min(0),
  received: z.int().min(0),
  /** share of sent frames without a result at the listener, 0..1 */
  missedRatio: z.number().min(0).max(1),
  /** frames per second at the listener */
  fps: z.number().min(0),
  /** camera stamp to receipt in the listener */
  latencyMs: latencySchema,
  jitterMs: latencySchema,
  /**
   * resident memory of the detector: medians over the first and last tenth of the measured time, peak since
   * its start
   */
  rssBytes: z.strictObject({
    first: z.int().min(0),
    last: z.int().min(0),
    growthRatio: z.number(),
    peak: z.int().min(0),
  }),
  cpuSeconds: z.strictObject({
    camera: z.number().min(0),
    detector: z.number().min(0),
    listener: z.number().min(0),
  }),
  /** CPU time of the detector over the measured time per result that reached the listener; 0 if none did */
  cpuMsPerFrame: z.number().min(0),
  /** the detector's own counts; null for the peer, which keeps none */
  frames: framesSchema.nullable(),
});

const settingsSchema = z.strictObject({
  /** as given on the command line; the report's `bundle` is what it resolved to */
  bundle: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  detector: z.record(z.string(), z.string()),
});

export const rosBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-ros/2'),
  bundle: bundleRefSchema,
  settings: settingsSchema,
  frames: framesSchema,
  fps: z.strictObject({ in: z.number().min(0), out: z.number().min(0) }),
  latencyMs: z.strictObject({ total: latencySchema, stages: z.record(z.string(), latencySchema) }),
  trial: rosTrialSchema,
  /**
   * frames that the camera published since the first that came through, and that the detector neither
   * published nor declared as dropped
   */
  undeclared: z.int().min(0),
});

/**
 * Camera stamp to receipt in the listener, milliseconds; CPU time of the detector, milliseconds per frame.
 */
const fixedRateStatsSchema = z.strictObject({
  p50: z.number().min(0),
  p99: z.number().min(0),
  cpuMsPerFrame: z.number().min(0),
});

export const peersBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-peers/2'),
  bundle: bundleRefSchema,
  /** sha256 of the file that the Python node loaded */
  peerModelDigest: digestSchema,
  settings: settingsSchema,
  /** share of missed frames up to which a rate counts as sustained */
  missedLimit: z.number(),
  peaks: z.array(
    z.strictObject({ goshawk: z.number().min(0), pythonPeer: z.number().min(0), ratio: z.number().min(0) }),
  ),
  /** median over the rounds of goshawk's peak / the peer's */
  ratio: z.number().min(0),
  /** both at the same rate, in each round */
  fixedRate: z.strictObject({
    /** frames per second */
    rate: z.number().positive(),
    rounds: z.array(z.strictObject({ goshawk: fixedRateStatsSchema, pythonPeer: fixedRateStatsSchema })),
    /** medians over the rounds of goshawk's value / the peer's */
    ratios: fixedRateStatsSchema,
  }),
  trials: z.array(rosTrialSchema),
});

const headlineModelSchema = z.strictObject({
  bundle: bundleRefSchema,
  /**
   * the variant that the runtime chooses for the CPU provider: the fastest on this machine that reproduces
   * its reference outputs
   */
  variant: z.string(),
  /** the arithmetic that it needs for correct results; null if any will do */
  requires: z.strictObject({ int8: z.literal('exact') }).nullable(),
  /** true if it runs on ONNX Runtime's exact 8-bit kernels, used on CPUs whose default kernels saturate */
  exactInt8: z.boolean(),
  /** the candidates, and how it was chosen */
  choice: variantChoiceSchema,
  /** the result of the reference check; null if there was none */
  reference: referenceCheckSchema.nullable(),
  precision: z.string(),
  bytes: z.int().positive(),
  parameters: z.int().min(0),
  macs: z.int().min(0),
  /** mean AP over IoU 0.50:0.05:0.95, 0..1 */
  ap: z.number().min(0).max(1),
  ap50: z.number().min(0).max(1),
  apByClass: z.record(z.string(), z.number().min(0).max(1).nullable()),
  /** model only, one image, milliseconds */
  latencyMs: z.strictObject({
    p25: z.number().positive(),
    p50: z.number().positive(),
    p75: z.number().positive(),
    p99: z.number().positive(),
    runs: z.int().positive(),
  }),
});

/** Report of `goshawk bench headline`: what pruning and quantization gained and cost against the baseline. */
export const headlineReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-headline/1'),
  seconds: z.number().min(0),
  machine: z.strictObject({ kind: machineKindSchema, int8: z.enum(INT8_ARITHMETICS) }),
  settings: z.strictObject({
    threads: z.int().positive(),
    rounds: z.int().positive(),
    runs: z.int().positive(),
    /** the clock behind `speedup`: `cpu` is the CPU time of the process, used with one thread */
    ratioOf: z.enum(['wall', 'cpu']),
    provider: z.literal('cpu'),
    input: z.strictObject({ width: z.int().positive(), height: z.int().positive() }),
  }),
  scenes: z.strictObject({ images: z.int().positive(), seed: z.int().min(0), digest: digestSchema }),
  baseline: headlineModelSchema,
  optimized: headlineModelSchema,
  headline: z.strictObject({
    /** how many times faster: the median over the rounds of (baseline / optimized) */
    speedup: z.number().positive(),
    /** quartiles of the same */
    speedupSpread: z.strictObject({ low: z.number().positive(), high: z.number().positive() }),
    /** bytes of the optimized graph / bytes of the baseline's */
    bytesRatio: z.number().positive(),
    /** AP of the baseline minus AP of the optimized model; negative if the optimized model is better */
    apDrop: z.number(),
    /** bootstrap over images with the same resamples for both models, 95 % */
    apDropInterval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  }),
  /**
   * what 8 bits and this machine's arithmetic cost: the variant that ran compared with the float graph of the
   * same bundle; null if the bundle has none
   */
  quantization: z
    .strictObject({
      floatVariant: z.string(),
      floatAp: z.number().min(0).max(1),
      /** AP of the float graph minus AP of the variant that ran */
      apDrop: z.number(),
      apDropInterval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
    })
    .nullable(),
  peakRssBytes: z.int().positive(),
});

export type HeadlineReport = z.infer<typeof headlineReportSchema>;
export type HeadlineModel = z.infer<typeof headlineModelSchema>;
export type ListenerReport = z.infer<typeof listenerReportSchema>;
export type RosTrial = z.infer<typeof rosTrialSchema>;
export type RosBenchReport = z.infer<typeof rosBenchReportSchema>;
export type FixedRateStats = z.infer<typeof fixedRateStatsSchema>;
export type PeersBenchReport = z.infer<typeof peersBenchReportSchema>;

/** Milliseconds with and without statistics of the frames, which alternate frame by frame in the same engine. */
const driftCostSchema = z.strictObject({
  /** of a frame from the call to its detections */
  total: z.strictObject({ without: latencySchema, with: latencySchema }),
  /** decoding and suppression, and with them the statistics */
  decode: z.strictObject({ without: latencySchema, with: latencySchema }),
  /** p99 of `total` with statistics over that without */
  p99Ratio: z.number().positive(),
});

/** What it costs to measure frames, for letterboxed images and for frames that are resized inside the graph. */
export const driftBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-drift/1'),
  bundle: bundleRefSchema,
  /** of the camera's frames, pixels */
  width: z.int().positive(),
  height: z.int().positive(),
  /** measured for each kind of input, half of them with statistics */
  frames: z.int().positive(),
  threads: z.int().positive(),
  letterboxed: driftCostSchema,
  /** null for a model that takes no raw frames */
  raw: driftCostSchema.nullable(),
});

export type DriftCost = z.infer<typeof driftCostSchema>;
export type DriftBenchReport = z.infer<typeof driftBenchReportSchema>;

/** What a running detector does to its frames while it changes between two models. */
export const swapBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-swap/1'),
  bundle: bundleRefSchema,
  fallback: bundleRefSchema,
  /** of the camera's frames, pixels */
  width: z.int().positive(),
  height: z.int().positive(),
  /** frames per second */
  rate: z.number().positive(),
  /** what the rate is of the highest one of the slower model, percent; null if the rate was given */
  load: z.number().positive().nullable(),
  threads: z.int().positive(),
  swaps: z.int().positive(),
  /** milliseconds from the request until the old model is gone */
  swapMs: latencySchema,
  frames: framesSchema,
  /** frames that were received and dropped until shortly after a swap, and at all other times */
  received: z.strictObject({ during: z.int().min(0), otherwise: z.int().min(0) }),
  dropped: z.strictObject({ during: z.int().min(0), otherwise: z.int().min(0) }),
  /** results that left before one of an earlier frame */
  outOfOrder: z.int().min(0),
  /** milliseconds from receipt to result of frames that were on their way during a swap, and of all others */
  totalMs: z.strictObject({ during: latencySchema, otherwise: latencySchema }),
  /** p99 during swaps over that otherwise */
  p99Ratio: z.number().min(0),
});

export type SwapBenchReport = z.infer<typeof swapBenchReportSchema>;
