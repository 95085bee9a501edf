import { z } from 'zod';
import { accuracyEstimateSchema } from './accuracy-estimate.ts';
import { driftVerdictSchema } from './drift-verdict.ts';

/**
 * What `~/drift` carries as JSON in a `std_msgs/msg/String`, latched. It has every camera, so that a late subscriber,
 * who gets the newest message only, knows all of them. Fields may be added; readers ignore those that they do not know.
 */
export const driftTopicSchema = z.object({
  schema: z.literal('goshawk.drift-topic/1'),
  /** the reason for this message: a state or the bundle changed, or a drift window ended */
  because: z.enum(['state', 'window']),
  /** the bundle that made the verdicts; null while no model is loaded */
  bundle: z.object({ name: z.string(), version: z.string(), digest: z.string() }).nullable(),
  /** whether the input changed, by camera; empty without a reference, and once no model is loaded any more */
  verdicts: z.record(z.string(), driftVerdictSchema),
  /** how much of its accuracy the model keeps, by camera, from its first window on; absent in earlier versions */
  accuracy: z.record(z.string(), accuracyEstimateSchema).optional(),
  /** cameras that have no verdict though there is a reference, and why */
  unjudged: z.record(z.string(), z.object({ code: z.string(), reason: z.string() })),
});

export type DriftTopic = z.infer<typeof driftTopicSchema>;
