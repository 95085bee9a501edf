import { z } from 'zod';
import { conditionShape, trialSettingsSchema, trialShape } from './bench-trial.ts';
import { bundleRefSchema, reportBaseSchema } from './report.ts';

/**
 * What a detector does with the frames that it could keep.
 * - `off`: it keeps none
 * - `again`: nor here; what differs from `off` is the machine's own variation
 * - `ring`: the newest are in memory
 * - `clip`: and a clip is recorded all the time, its raw images encoded as JPEG
 * - `blur`: the same, with published boxes blurred
 */
export const CAPTURE_CONDITIONS = ['off', 'again', 'ring', 'clip', 'blur'] as const;

export type CaptureCondition = (typeof CAPTURE_CONDITIONS)[number];

const count = z.int().min(0);
const amount = z.number().min(0);

const captureTrialSchema = z.strictObject({
  ...trialShape,
  condition: z.enum(CAPTURE_CONDITIONS),
  /** CPU of the process while frames came, in cores */
  cores: amount,
  /** of clips on the disk at the end */
  clipBytes: count,
});

export type CaptureTrial = z.infer<typeof captureTrialSchema>;

const conditionSchema = z.strictObject({
  ...conditionShape,
  condition: z.enum(CAPTURE_CONDITIONS),
  /** below 0 where the machine varies by more */
  moreCores: z.number(),
  clipBytes: count,
});

export type CaptureSummary = z.infer<typeof conditionSchema>;

/** Report of `goshawk bench capture`. */
export const captureBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-capture/1'),
  bundle: bundleRefSchema,
  settings: trialSettingsSchema,
  conditions: z.array(conditionSchema),
  trials: z.array(captureTrialSchema),
});

export type CaptureBenchReport = z.infer<typeof captureBenchReportSchema>;
