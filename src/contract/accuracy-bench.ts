import { z } from 'zod';
import { bundleRefSchema, reportBaseSchema } from './report.ts';

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** How often "the model sees worse" is right, and how much of a loss of a fifth it finds; null without any. */
const verdictSchema = z.strictObject({
  said: count,
  precision: share.nullable(),
  recall: share.nullable(),
  /** of a true share below 0.7: a loss that is clearly more than a fifth */
  recallOfSevere: share.nullable(),
});

/** What estimates of one method are worth. */
const rowSchema = z.strictObject({
  method: z.string(),
  /** clean frames of the same scenes, or the mean of the other scene mixes */
  baseline: z.enum(['own', 'others']),
  /** what the model was fitted without */
  unseen: z.enum(['corruption', 'corruption and scene mix']),
  samples: count,
  /** of the share of AP that is kept */
  meanAbsolute: share,
  /** Spearman's; null if one side is constant */
  rankCorrelation: z.number().min(-1).max(1).nullable(),
  /** samples with a true share below 0.8 */
  worse: count,
  /** said if the estimate is below the operating point of the other corruptions, as the detector says it */
  byPoint: verdictSchema,
  /** said if the interval ends below 0.8, and if the estimate alone is below */
  byInterval: verdictSchema,
  byEstimate: verdictSchema,
  /** of pictures as they are, against the baseline: scene mixes that change without harm */
  harmless: z.strictObject({ samples: count, worse: count, meanAbsolute: share }),
});

/** Samples, and what estimates of them are worth. */
const partSchema = z.strictObject({
  source: z.string(),
  mixes: z.array(z.string()),
  /** how far true shares are off in themselves, on average: other pictures of the same kind have others */
  noise: share.nullable(),
  rows: z.array(rowSchema),
});

/** Report of `goshawk bench accuracy-estimate`. */
export const accuracyBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-accuracy-estimate/1'),
  bundle: bundleRefSchema,
  /** samples that models are fitted on, each without the corruption that it is tried on */
  fitted: partSchema,
  /** other samples, on which the model of all of the above is tried */
  tried: z.array(partSchema),
});

export type AccuracyBenchReport = z.infer<typeof accuracyBenchReportSchema>;
export type AccuracyBenchRow = z.infer<typeof rowSchema>;
