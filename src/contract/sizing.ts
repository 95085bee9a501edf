import { z } from 'zod';

/**
 * How an engine uses a machine: the number of runners, threads per runner, and jobs that each runner holds.
 */
export const engineSettingSchema = z.strictObject({
  workers: z.int().min(1).max(64),
  threads: z.int().min(1).max(256),
  queueDepth: z.int().min(1).max(64),
});

/** A setting and what was measured with it. */
export const measuredSettingSchema = engineSettingSchema.extend({
  /** milliseconds from submission to result, with as many jobs in flight as the setting takes */
  latencyMs: z.number().positive(),
  /** results per second */
  rate: z.number().positive(),
});

/** The settings chosen for a bundle on a machine, as cached between starts. */
export const keptSizingSchema = z.strictObject({
  /** the variant and provider that they were measured with */
  variant: z.string(),
  provider: z.string(),
  latency: engineSettingSchema,
  throughput: engineSettingSchema.nullable(),
  /** whether it was clearly measured to be faster; earlier versions named no other one */
  isProven: z.boolean().default(true),
  why: z.string(),
  measured: z.array(measuredSettingSchema),
  /** number of consecutive doubtful measurements; they are trusted only once there are enough */
  doubts: z.int().min(0).default(0),
});

/** How an engine that sizes itself arrived at its setting, for status and reports. */
export const engineSizingSchema = z.strictObject({
  role: z.enum(['latency', 'throughput']),
  latency: engineSettingSchema,
  throughput: engineSettingSchema.nullable(),
  /** whether it was clearly measured to be faster; earlier versions named no other one */
  isProven: z.boolean().default(true),
  isMeasured: z.boolean(),
  why: z.string(),
  measured: z.array(measuredSettingSchema),
  moves: z.int().min(0),
  lastMove: z.string().nullable(),
});
