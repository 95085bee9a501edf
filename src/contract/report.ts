import { z } from 'zod';
import { DROP_REASONS } from './drops.ts';
import { referenceCheckSchema, variantChoiceSchema } from './engine-choice.ts';
import { driftSummarySchema } from './drift-summary.ts';
import { engineSettingSchema, engineSizingSchema } from './sizing.ts';

/** A whole number, never negative. */
const count = z.number().int().nonnegative();
/** A share or a score, 0..1. */
const ratio = z.number().min(0).max(1);
const milliseconds = z.number().nonnegative();

/** SHA-256 of a bundle's manifest or a data set's annotation file, as 64 lower-case hex digits. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits (sha256)');

/** ISO 8601 in UTC with milliseconds, as `Date.prototype.toISOString` writes it. */
export const instantSchema = z.iso.datetime({ precision: 3 });

/** The machine that a report was made on. */
export const hostSchema = z.strictObject({
  cpu: z.string().min(1),
  cores: z.number().int().positive(),
  memoryBytes: z.number().int().positive(),
  /** name, release and architecture, e.g. `linux 6.1.0 x64` */
  os: z.string().min(1),
  /** Node's version without the leading `v` */
  node: z.string().min(1),
  /** ROS distribution; null if the environment has none */
  ros: z.string().nullable(),
  /** execution providers of the inference library in use, best first */
  providers: z.array(z.string()),
});

/** The model that ran. */
export const bundleRefSchema = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  digest: digestSchema,
});

/** Latencies of one stage, milliseconds; all zero if `count` is 0. */
export const latencySchema = z.strictObject({
  count,
  p50: milliseconds,
  p90: milliseconds,
  p99: milliseconds,
  p999: milliseconds,
  max: milliseconds,
});

/** `received = published + sum(drops) + in flight`; in flight is 0 once a run has ended. */
export const framesSchema = z.strictObject({
  received: count,
  published: count,
  drops: z.partialRecord(z.enum(DROP_REASONS), count),
});

/** What happened to the images of a camera inside the process. */
export const sourceSchema = z.strictObject({
  /** handed to the pipeline */
  delivered: count,
  /** turns of its schedule that passed without an image because it or the process was late */
  skipped: count,
  /**
   * images that could not be read; each is also counted as a received frame and as a drop, under its reason
   */
  unreadable: count,
});

/**
 * The fields that every report starts with. A report's own schema extends it and sets `schema` to its name.
 */
export const reportBaseSchema = z.strictObject({
  schema: z.string().regex(/^goshawk\.report\.[a-z-]+\/\d+$/),
  startedAt: instantSchema,
  host: hostSchema,
});

/** Report of a run that put frames through the pipeline: `goshawk run`, `npm start`, `bench pipeline`. */
export const runReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.run/1'),
  /** time in which frames were accepted, without loading, pauses and draining */
  seconds: z.number().nonnegative(),
  /** time from the first frame to the last; absent in reports of earlier versions */
  framesSeconds: z.number().nonnegative().optional(),
  bundle: bundleRefSchema,
  /** workers, threads and queue depth at the end; absent in reports of earlier versions */
  engine: engineSettingSchema
    .extend({
      kind: z.enum(['worker', 'child']),
      /** null if the operator fixed the setting */
      sizing: engineSizingSchema.nullable(),
      variant: z.string(),
      provider: z.string(),
      exactInt8: z.boolean(),
      referenceCheck: referenceCheckSchema,
      choice: variantChoiceSchema,
    })
    .nullish(),
  frames: framesSchema,
  /** by camera, for cameras inside the process */
  sources: z.record(z.string(), sourceSchema).optional(),
  /** frames per second, from the first frame to the last */
  fps: z.strictObject({ in: z.number().nonnegative(), out: z.number().nonnegative() }),
  latencyMs: z.strictObject({ total: latencySchema, stages: z.record(z.string(), latencySchema) }),
  /** detections published during the run */
  detections: count,
});

/** A percentile bootstrap over images. */
export const intervalSchema = z.strictObject({
  /** the value that it covers */
  of: z.literal('ap'),
  low: ratio,
  high: ratio,
  /** for 0.95, the true value lies outside one time in twenty */
  confidence: z.number().gt(0).lt(1),
  /** number of resamples */
  resamples: z.number().int().positive(),
  seed: z.number().int().nonnegative(),
});

/** Null if no image contains an object that counts (pycocotools prints -1). */
const measured = ratio.nullable();

/** The metrics of COCO detection evaluation, as pycocotools' `COCOeval` defines them for boxes. */
const accuracyStatsSchema = z.strictObject({
  /** mean over IoU 0.50:0.05:0.95, all areas, 100 detections per image */
  ap: measured,
  ap50: measured,
  ap75: measured,
  apSmall: measured,
  apMedium: measured,
  apLarge: measured,
  /** mean recall with 1, 10 and 100 detections per image */
  ar1: measured,
  ar10: measured,
  ar100: measured,
  arSmall: measured,
  arMedium: measured,
  arLarge: measured,
});

/** Precision of one class at the 101 recall levels 0, 0.01, ... 1, at IoU 0.5. */
const curveSchema = z.array(ratio).length(101);

const refusedSchema = z.strictObject({
  /** by drop reason (docs/drops.md) */
  counts: z.record(z.string(), count),
  /** the first 20: when they were taken or recorded, in seconds, and what is wrong with them */
  first: z.array(z.strictObject({ at: z.string(), reason: z.string(), detail: z.string() })),
});

/** Report of `goshawk evaluate`. */
export const accuracyReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.accuracy/1'),
  seconds: z.number().nonnegative(),
  /** null if detections from a file were evaluated and no model ran */
  bundle: bundleRefSchema.nullable(),
  ...accuracyStatsSchema.shape,
  /** AP (IoU 0.50:0.95) by class name; null for classes without an object that counts */
  apByClass: z.record(z.string(), measured),
  ap50ByClass: z.record(z.string(), measured),
  precisionRecall50: z.record(z.string(), curveSchema),
  /** number of images evaluated */
  images: count,
  /** number of annotations that count (without crowds) */
  objects: count,
  detections: count,
  interval: intervalSchema.nullable(),
  dataset: z.strictObject({ annotations: z.string(), digest: digestSchema }),
  /** null if detections from a file were evaluated */
  settings: z
    .strictObject({
      score: ratio,
      iou: ratio,
      maxBoxes: z.number().int().positive(),
      preprocess: z.string(),
      /** true if every class of a box counts, false if only its best class does, as on the robot */
      multiLabel: z.boolean(),
    })
    .nullable(),
  /** null if no model ran */
  latencyMs: z.strictObject({ total: latencySchema, stages: z.record(z.string(), latencySchema) }).nullable(),
  /**
   * what a robot measures of its frames, over the images (docs/drift.md): boxes above the bundle's threshold, agreement
   * under `settings`; null if no model ran, absent in reports of earlier versions
   */
  measures: driftSummarySchema.nullish(),
  /** for recordings: the bundle whose detections from a score on are the labels; null if they have labels */
  judge: z.strictObject({ bundle: bundleRefSchema, score: ratio }).nullable().optional(),
  /** for recordings: how much of each was evaluated */
  recordings: z
    .array(
      z.strictObject({
        file: z.string(),
        sha256: digestSchema,
        topic: z.string(),
        /** of the labels; null if a judge labels the images */
        labelTopic: z.string().nullable().optional(),
        images: count,
        /** images without labels of their stamp, or with more than one message of it, which are left out */
        unlabeled: count,
        /** pieces that cannot be read: chunks with an unknown number of messages, and label messages */
        unreadable: count,
        /** images that are damaged, or nothing that a detector is for; absent in reports of earlier versions */
        refused: refusedSchema.optional(),
        /** that the file is cut short, and from which byte on */
        notices: z.array(z.string()),
      }),
    )
    .optional(),
});

export type Host = z.infer<typeof hostSchema>;
export type BundleRef = z.infer<typeof bundleRefSchema>;
export type LatencySummary = z.infer<typeof latencySchema>;
export type RunReport = z.infer<typeof runReportSchema>;
/** Images of a recording that were left out: how many by reason, and which. */
export type RefusedFacts = z.infer<typeof refusedSchema>;
export type AccuracyReport = z.infer<typeof accuracyReportSchema>;
