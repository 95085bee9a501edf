import { z } from 'zod';
import { OBSERVED, OBSERVED_VERSION } from '../core/drift/observe/observed.ts';
import { ALARMED } from '../core/drift/alarm/alarmed.ts';
import { MAX_BINS } from '../core/drift/alarm/bins.ts';
import { FEATURE_TABLE_VERSION } from '../core/drift/features.ts';
import { PATCH_COUNT } from '../core/drift/frame-block.ts';
import { measuredSummarySchema } from './drift-summary.ts';
import { LIMIT_PARAMETERS } from './limit-parameters.ts';
import { bundleRefSchema } from './report.ts';

/** Observations of a context, at most: a day of seconds. */
export const MAX_OBSERVATIONS = 86_400;
/** Contexts of a reference, at most. */
export const MAX_CONTEXTS = 16;

const contextNameSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/, 'must be letters, digits, spaces, dots, dashes or underscores');

const observedSchema = z.enum(OBSERVED);

const binsSchema = z
  .strictObject({
    /** ascending; bin i has the values in `(edges[i-1], edges[i]]` */
    edges: z
      .array(z.number())
      .min(1)
      .max(MAX_BINS - 1),
    /** of the bins; adds up to 1 */
    probabilities: z.array(z.number().gt(0).max(1)),
  })
  .refine(({ edges }) => edges.every((edge, i) => i === 0 || edge > edges[i - 1]!), 'edges must ascend')
  .refine(
    ({ edges, probabilities }) => probabilities.length === edges.length + 1,
    'there must be one probability more than there are edges',
  );

const featureSchema = z.strictObject({
  /** subtracted from the logarithm of each likelihood ratio: what the correlation of observations costs */
  discount: z.number().min(0),
  /** by context */
  bins: z.record(contextNameSchema, binsSchema),
});

const reliefValuesSchema = z.array(z.number().min(-255).max(255)).length(PATCH_COUNT);

const contextSchema = z.strictObject({
  name: contextNameSchema,
  /** by feature, one value a second; null for what was not measured */
  columns: z.partialRecord(observedSchema, z.array(z.number().nullable()).max(MAX_OBSERVATIONS)),
  /** difference of each patch and those around it, gray levels: median and standard deviation; null if unknown */
  relief: z.strictObject({ middle: reliefValuesSchema, spread: reliefValuesSchema }).nullable(),
  /** means of all its frames, which estimates of accuracy compare with; absent in files of earlier versions */
  measures: measuredSummarySchema.optional(),
  /** observations by the way in which their frames were resized; absent for images, and in files of earlier versions */
  preprocess: z.strictObject({ sharp: z.int().min(0), graph: z.int().min(0) }).optional(),
});

const featuresSchema = z.partialRecord(z.enum(ALARMED), featureSchema);

const { score_threshold: SCORE, iou_threshold: IOU, max_detections: MOST } = LIMIT_PARAMETERS;

/**
 * How frames come and are resized: raw (where it matters, inside the graph or by sharp), or compressed as JPEG or PNG.
 */
const FRAME_KINDS = ['raw', 'graph', 'sharp', 'compressed'] as const;

export type FrameKind = (typeof FRAME_KINDS)[number];

/** How the detector ran that a reference was observed with. Boxes follow from it as much as from what is seen. */
const settingsSchema = z.strictObject({
  /** null: of images, which no tracker follows */
  tracking: z.boolean().nullable(),
  score_threshold: z.number().min(SCORE.min).max(SCORE.max),
  iou_threshold: z.number().min(IOU.min).max(IOU.max),
  max_detections: z.int().min(MOST.min).max(MOST.max),
  class_filter: z.array(z.string().max(256)).max(10_000),
  /** how the frames came; absent for images, which stand for any camera, and in files of earlier versions */
  frames: z.enum(FRAME_KINDS).optional(),
});

export type DriftReferenceSettings = z.infer<typeof settingsSchema>;

/** What a camera shows while all is well: made by `goshawk drift reference`, read by `drift_reference`. */
export const driftReferenceSchema = z
  .strictObject({
    schema: z.literal('goshawk.drift-reference/3'),
    madeAt: z.iso.datetime({ precision: 3 }),
    /** versions of the tables of features */
    table: z.literal(FEATURE_TABLE_VERSION),
    observed: z.literal(OBSERVED_VERSION),
    bundle: bundleRefSchema,
    /** null: any camera */
    camera: z.string().max(256).nullable(),
    settings: settingsSchema,
    /** observed ones, and `toward_...`: the likeness to a known change */
    features: featuresSchema,
    /** the same without what boxes say, for a detector with other limits than those of `settings` */
    withoutBoxes: featuresSchema,
    contexts: z.array(contextSchema).min(1).max(MAX_CONTEXTS),
  })
  .refine(
    ({ features, withoutBoxes, contexts }) =>
      [...Object.values(features), ...Object.values(withoutBoxes)].every((feature) => {
        const names = Object.keys(feature.bins);
        return names.length === contexts.length && contexts.every(({ name }) => names.includes(name));
      }),
    'every feature must have the bins of every context',
  );

export type DriftReference = z.infer<typeof driftReferenceSchema>;
