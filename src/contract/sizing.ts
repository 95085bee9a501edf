import { z } from 'zod';

/** How an engine is divided over a machine: runners, threads of each, jobs that each holds at once. */
export const engineSettingSchema = z.strictObject({
  workers: z.int().min(1).max(64),
  threads: z.int().min(1).max(256),
  queueDepth: z.int().min(1).max(64),
});

/** What a setting did when it was measured. */
export const measuredSettingSchema = engineSettingSchema.extend({
  /** milliseconds from hand-over to result, with as many jobs in flight as the setting takes */
  latencyMs: z.number().positive(),
  /** results a second */
  rate: z.number().positive(),
});

/** The settings that were chosen for a bundle on a machine, as they are kept from one start to the next. */
export const keptSizingSchema = z.strictObject({
  /** what they were measured with */
  variant: z.string(),
  provider: z.string(),
  latency: engineSettingSchema,
  throughput: engineSettingSchema.nullable(),
  why: z.string(),
  measured: z.array(measuredSettingSchema),
  /** how many measurements in a row were doubtful; they are believed only once there are enough */
  doubts: z.int().min(0).default(0),
});

/** How an engine that sizes itself came to its setting, in status and reports. */
export const engineSizingSchema = z.strictObject({
  role: z.enum(['latency', 'throughput']),
  latency: engineSettingSchema,
  throughput: engineSettingSchema.nullable(),
  isMeasured: z.boolean(),
  why: z.string(),
  measured: z.array(measuredSettingSchema),
  moves: z.int().min(0),
  lastMove: z.string().nullable(),
});
