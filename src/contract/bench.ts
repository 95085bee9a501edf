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
  /** frames a second asked of the camera */
  rate: z.number().positive(),
  seconds: z.number().positive(),
  sent: z.int().min(0),
  received: z.int().min(0),
  /** share of sent frames without a result at the listener, 0..1 */
  missedRatio: z.number().min(0).max(1),
  /** frames a second at the listener */
  fps: z.number().min(0),
  /** camera stamp to receipt in the listener */
  latencyMs: latencySchema,
  jitterMs: latencySchema,
  /** resident memory of the detector: medians of the first and last tenth of the measured time, peak since its start */
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
  /** CPU time of the detector over the measured time, for each result that the listener got; 0 where it got none */
  cpuMsPerFrame: z.number().min(0),
  /** the detector's own accounting; null for the peer, which has none */
  frames: framesSchema.nullable(),
});

const settingsSchema = z.strictObject({
  /** as it was asked for; the report's own `bundle` says what that was */
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
   * frames the camera published, from the first that came through, that the detector neither published nor
   * declared as dropped
   */
  undeclared: z.int().min(0),
});

/** Camera stamp to receipt in the listener, milliseconds; CPU of the detector, milliseconds a frame. */
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
  /** both at one rate, in each round */
  fixedRate: z.strictObject({
    /** frames a second */
    rate: z.number().positive(),
    rounds: z.array(z.strictObject({ goshawk: fixedRateStatsSchema, pythonPeer: fixedRateStatsSchema })),
    /** medians over the rounds of goshawk's figure / the peer's */
    ratios: fixedRateStatsSchema,
  }),
  trials: z.array(rosTrialSchema),
});

const headlineModelSchema = z.strictObject({
  bundle: bundleRefSchema,
  /**
   * the variant that the runtime takes on the CPU provider: the fastest here that gives what it gave when it
   * was evaluated
   */
  variant: z.string(),
  /** what it needs to compute that; null where it does so anywhere */
  requires: z.strictObject({ int8: z.literal('exact') }).nullable(),
  /** true where it runs on ONNX Runtime's exact 8-bit kernels, on CPUs whose own saturate */
  exactInt8: z.boolean(),
  /** what it was chosen from, and how */
  choice: variantChoiceSchema,
  /** what came of holding it against the bundle's references; null where nothing was */
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

/** Report of `goshawk bench headline`: what pruning and quantization made of the baseline. */
export const headlineReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-headline/1'),
  seconds: z.number().min(0),
  machine: z.strictObject({ kind: machineKindSchema, int8: z.enum(INT8_ARITHMETICS) }),
  settings: z.strictObject({
    threads: z.int().positive(),
    rounds: z.int().positive(),
    runs: z.int().positive(),
    /** the clock of `speedup`: `cpu` is the time that the process ran, used where one thread runs */
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
    /** AP of the baseline less AP of the optimized; negative where the optimized is better */
    apDrop: z.number(),
    /** bootstrap over images, both models on the same draws, 95 % */
    apDropInterval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  }),
  /**
   * what 8 bits and this machine's arithmetic cost: the variant that ran against the float graph of the same
   * bundle; null where it has none
   */
  quantization: z
    .strictObject({
      floatVariant: z.string(),
      floatAp: z.number().min(0).max(1),
      /** AP of the float graph less AP of the variant that ran */
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
