import { z } from 'zod';
import { DRIFT_STATES } from '../../core/drift/window-verdict.ts';
import { driftVerdictSchema } from '../drift-verdict.ts';
import { bundleRefSchema, framesSchema, instantSchema, reportBaseSchema } from '../report.ts';
import { driftBodySchema } from '../telemetry/drift.ts';

const stateSchema = z.enum(DRIFT_STATES);
const problemSchema = z.strictObject({ code: z.string(), reason: z.string() });

/** What one recording shows. */
const replayedSchema = z.strictObject({
  file: z.string(),
  camera: z.string(),
  /**
   * `complete`; `incomplete`: what could be read was played, the rest is cut off or damaged; `unusable`: it could not
   * be played at all
   */
  outcome: z.enum(['complete', 'incomplete', 'unusable']),
  /** why it is unusable, or why there are no verdicts although there is a reference */
  problem: problemSchema.nullable(),
  /** in words, such as where it is cut off */
  notices: z.array(z.string()),
  /** from the first frame to the last, by the clock of the recorder, which may have been set in between */
  recordedSeconds: z.number().min(0),
  frames: framesSchema,
  /** images that could not be read; they are among the dropped frames as well */
  unreadable: z.int().min(0),
  /** the clock of the recorder was set by more than a second back, or by more than an hour ahead */
  clockSteps: z.int().min(0),
  /** changes of the state, oldest first */
  changes: z.array(z.strictObject({ at: instantSchema, state: stateSchema, verdict: driftVerdictSchema })),
  /** the most severe state; null without verdicts */
  worst: stateSchema.nullable(),
  /** as the robot would have sent them */
  windows: z.array(driftBodySchema),
});

/** Report of `goshawk drift replay`. */
export const driftReplaySchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.drift-replay/1'),
  /** that the replay took */
  seconds: z.number().min(0),
  bundle: bundleRefSchema,
  /** null without one: there are windows, and no verdicts */
  reference: z.strictObject({ file: z.string(), contexts: z.array(z.string()) }).nullable(),
  falseAlarmsPerWeek: z.number().gt(0),
  windowSeconds: z.int().min(1),
  recordings: z.array(replayedSchema),
  /** the most severe state of all recordings; null without verdicts */
  worst: stateSchema.nullable(),
});

export type DriftReplayReport = z.infer<typeof driftReplaySchema>;
export type ReplayedRecording = DriftReplayReport['recordings'][number];
