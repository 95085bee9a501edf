import { z } from 'zod';
import { outboxOfTrialSchema } from '../../../contract/bench-trial.ts';
import { latencySchema, runReportSchema } from '../../../contract/report.ts';
import type { PartValues } from '../../../device/parts.ts';

/** What the process of a trial is given as its argument. */
export const trialRequestSchema = z.strictObject({
  bundle: z.string(),
  /** frames per second */
  rate: z.number(),
  width: z.int(),
  height: z.int(),
  /** frames of the first seconds do not count: code is compiled, caches fill */
  settleSeconds: z.number(),
  seconds: z.number(),
  /** file for its answer */
  answer: z.string(),
  parts: z.custom<PartValues>((values) => typeof values === 'object' && values !== null),
});

export type TrialRequest = z.infer<typeof trialRequestSchema>;

/** Printed once it has settled. */
export const SETTLED = 'settled';

export const trialAnswerSchema = z.strictObject({
  run: runReportSchema,
  /** from receipt to publication, of the frames after it had settled */
  latencyMs: latencySchema,
  /** cores in use meanwhile, by the work of threads */
  cores: z.record(z.string(), z.number()),
  outbox: outboxOfTrialSchema,
});

export type TrialAnswer = z.infer<typeof trialAnswerSchema>;
