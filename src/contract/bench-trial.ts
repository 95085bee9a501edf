import { z } from 'zod';
import { framesSchema, latencySchema } from './report.ts';

const count = z.int().min(0);
const amount = z.number().min(0);

/** Of each trial of a benchmark that runs the pipeline of `goshawk run`, a process of its own, in some condition. */
export const trialShape = {
  round: count,
  frames: framesSchema,
  /** from receipt to publication */
  latencyMs: latencySchema,
  /** median resident memory of the process while frames came */
  rssBytes: count,
};

/** Of each condition: medians over the rounds; what is relative is so within a round, to the trial that is `off`. */
export const conditionShape = {
  p50Ms: amount,
  p99Ms: amount,
  p50Ratio: amount,
  p99Ratio: amount,
  /** below 0 where memory varies by more */
  rssMoreBytes: z.number(),
};

/** What the outbox of a trial held at a moment, as the process counts it itself, once a second. */
const waitingSchema = z.strictObject({
  connected: z.boolean(),
  messages: count,
  /** of their payloads */
  bytes: count,
  /** at least this many of the messages were there before the process began */
  ofEarlierBoots: count,
});

export type OutboxWaiting = z.infer<typeof waitingSchema>;

/** What waited when frames began to count, and when they ended; null without telemetry, or before its outbox opened. */
export const outboxOfTrialSchema = z.strictObject({
  begin: waitingSchema.nullable(),
  end: waitingSchema.nullable(),
});

export type OutboxOfTrial = z.infer<typeof outboxOfTrialSchema>;

/** How trials were made. */
export const trialSettingsSchema = z.strictObject({
  rounds: z.int().positive(),
  /** at the beginning of each trial; what is measured comes after them */
  settleSeconds: amount,
  seconds: z.number().positive(),
  /** of the camera, frames per second and pixels */
  rate: z.number().positive(),
  width: z.int().positive(),
  height: z.int().positive(),
});
