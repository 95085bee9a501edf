import { z } from 'zod';

/** The means of frames of one camera, in the units of docs/drift.md. */
export const driftSummarySchema = z.object({
  frames: z.int().min(0),
  /** a feature without a value is absent */
  features: z.record(z.string(), z.number()),
  /** C and R of suppression; null without anything to take the mean of */
  consistency: z.number().nullable(),
  reliability: z.number().nullable(),
  /** mean score of kept boxes above 0.3; absent in files of earlier versions */
  score: z.number().nullish(),
});

/** The same where every measure is known. */
export const measuredSummarySchema = driftSummarySchema.extend({ score: z.number().nullable() });
