import { z } from 'zod';
import { TRIAGE_KINDS } from '../core/drift/triage/groups.ts';
import { bundleRefSchema, hostSchema } from './report.ts';

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** How often an incident of a kind was told. */
const rowSchema = z.strictObject({
  kind: z.enum(TRIAGE_KINDS),
  incidents: count,
  right: count,
  /** what the first answer was instead, with how often; `none` without an answer */
  instead: z.record(z.string(), count),
});

/** Report of `goshawk fleet triage --simulate`. */
export const triageBenchSchema = z.strictObject({
  schema: z.literal('goshawk.triage-bench/1'),
  startedAt: z.iso.datetime(),
  seconds: z.number().min(0),
  host: hostSchema,
  /** whose boxes the simulated cameras have */
  bundle: bundleRefSchema,
  seed: count,
  /** simulated streets that cameras show */
  streets: count,
  /** incidents that happened alone, and the share of them that was told with kind and place */
  incidents: count,
  right: share,
  byKind: z.array(rowSchema),
  /** two incidents of a fleet at the same time: both must be the first two answers */
  overlapping: z.strictObject({ incidents: count, right: share, byKind: z.array(rowSchema) }),
  /** answers beyond the incidents, and fleets to which nothing happened: answers there are false */
  surplus: count,
  quiet: z.strictObject({ fleets: count, answers: count }),
});

export type TriageBenchReport = z.infer<typeof triageBenchSchema>;
