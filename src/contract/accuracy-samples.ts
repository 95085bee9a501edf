import { z } from 'zod';
import { measuredSummarySchema } from './drift-summary.ts';
import { bundleRefSchema, digestSchema } from './report.ts';

const ratio = z.number().min(0).max(1);
const mixName = z.string().min(1).max(64);

export const mixSamplesSchema = z.strictObject({
  mix: mixName,
  pictures: z.int().min(1),
  /** AP of the pictures as they are */
  ap: ratio,
  /** means of them as they are, by what resizes them */
  baseline: z.strictObject({ graph: measuredSummarySchema, sharp: measuredSummarySchema }),
  /** the clean one first */
  samples: z
    .array(
      z.strictObject({
        mix: mixName,
        corruption: z.string().max(64),
        strength: z.int().min(0),
        /** AP over the AP of the pictures as they are, at most 1 */
        share: ratio,
        /** how far that share is from the one in other draws of the pictures; absent in files of earlier versions */
        noise: ratio.optional(),
        ap: ratio,
        summary: measuredSummarySchema,
        /** numbers of boxes above 0.05, by score in hundredths */
        scores: z.array(z.int().min(0)).length(100),
      }),
    )
    .min(1),
});

/** What was measured of degraded pictures: `--samples` of `goshawk drift fit`. */
export const accuracySamplesSchema = z.strictObject({
  schema: z.literal('goshawk.accuracy-samples/1'),
  bundle: bundleRefSchema,
  source: z.string().max(500),
  digest: digestSchema,
  /** of the corruptions, and strengths of each */
  seed: z.int().min(0),
  strengths: z.int().min(1),
  table: z.int().min(1),
  mixes: z.array(mixSamplesSchema),
});

export type MixSamples = z.infer<typeof mixSamplesSchema>;
export type PictureSample = MixSamples['samples'][number];
export type AccuracySamples = z.infer<typeof accuracySamplesSchema>;
