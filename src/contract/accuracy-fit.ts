import { z } from 'zod';
import { measuredSummarySchema } from './drift-summary.ts';
import { REGRESSORS } from '../core/drift/accuracy/regressors.ts';
import { bundleRefSchema, digestSchema } from './report.ts';

/** Name of the file, next to the manifest of the bundle that it is of. */
export const ACCURACY_FIT_FILE = 'accuracy-fit.json';

const errorsSchema = z.strictObject({
  samples: z.int().min(1),
  meanAbsolute: z.number().min(0),
  /** 5th and 95th percentile of true minus estimated share: what an interval adds to an estimate */
  low: z.number().min(-1).max(1),
  high: z.number().min(-1).max(1),
  /** Spearman's, of true and estimated shares; null if one side is constant */
  rankCorrelation: z.number().min(-1).max(1).nullable(),
});

const shareModelSchema = z.strictObject({
  /** absent: the share kept is 1 + the sum of weight * regressor; else e to the power of it; between 0 and 1 */
  link: z.literal('exponential').optional(),
  regressors: z
    .array(z.strictObject({ name: z.enum(REGRESSORS), weight: z.number() }))
    .min(1)
    .max(REGRESSORS.length),
  /** of samples whose corruption and scene mix the model was not fitted on */
  errors: errorsSchema,
  /** an estimate below says that the model sees worse: it loses a fifth or more of its AP */
  worseBelow: z.number().min(0).max(1),
});

const modelsSchema = z.strictObject({
  /** for cameras whose objects are tracked; null if no measure of tracks was chosen */
  tracked: shareModelSchema.nullable(),
  untracked: shareModelSchema,
});

/** How the share of AP that is kept follows from what a robot measures: made by `goshawk drift fit`. */
export const accuracyFitSchema = z.strictObject({
  schema: z.literal('goshawk.accuracy-fit/1'),
  madeAt: z.iso.datetime({ precision: 3 }),
  /** version of the table of features */
  table: z.int().min(1),
  bundle: bundleRefSchema,
  pictures: z.strictObject({
    /** `simulator`, or the annotation file */
    source: z.string().max(500),
    /** of the annotation file, or of what the simulator was asked for */
    digest: digestSchema,
    /** pictures of each scene mix, and AP of them as they are */
    mixes: z.record(
      z.string().max(64),
      z.strictObject({ pictures: z.int().min(1), ap: z.number().min(0).max(1) }),
    ),
  }),
  corruptions: z.array(z.string().max(64)).min(2),
  /** strengths of each corruption */
  strengths: z.int().min(1).max(5),
  /** means of clean frames over the mixes, by what resizes them: the baseline of cameras without their own */
  baseline: z.strictObject({ graph: measuredSummarySchema, sharp: measuredSummarySchema }),
  /** for frames that are compared with clean ones of the same scenes */
  own: modelsSchema,
  /** for frames that are compared with `baseline`, which is of other scenes; null with fewer than three mixes */
  others: modelsSchema.nullable(),
});

export type AccuracyFit = z.infer<typeof accuracyFitSchema>;
