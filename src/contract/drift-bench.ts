import { z } from 'zod';
import { bundleRefSchema, hostSchema } from './report.ts';

/** Drift that the simulator can show; `mix` is another street. */
export const DRIFT_KINDS = ['dark', 'fog', 'rain', 'blur', 'noise', 'dirt', 'tilt', 'mix'] as const;

export type DriftKind = (typeof DRIFT_KINDS)[number];

export const DRIFT_STRENGTHS = ['weak', 'middle', 'strong'] as const;

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** Report of `goshawk drift bench`. */
export const driftBenchSchema = z.strictObject({
  schema: z.literal('goshawk.drift-bench/2'),
  startedAt: z.iso.datetime(),
  seconds: z.number().min(0),
  host: hostSchema,
  bundle: bundleRefSchema,
  seed: count,
  /** simulated streets, each with a reference of its own */
  worlds: count,
  /** of each context, 50 s long and spread over a day: the reference */
  referencePieces: count,
  /** of each context, spread over the 7 days after it, without drift */
  pieces: count,
  /** of each piece, and that a trial of drift may take */
  pieceSeconds: count,
  falseAlarmsPerWeek: z.number().gt(0),
  /** trials of the middle strength that alarmed, and those of them with the right cause; null without any */
  detected: share.nullable(),
  causeRight: share.nullable(),
  /** false alarms over what the setting allows */
  falseAlarmRatio: z.number().min(0),
  /** days and nights without drift, resampled from the pieces that were observed */
  noDrift: z.strictObject({
    robots: count,
    days: z.number().min(0),
    alarms: count,
    allowed: z.number().min(0),
    /** of 95 % for the ratio, if alarms were independent: each piece is used again and again, so they are not */
    interval: z.tuple([z.number().min(0), z.number().min(0)]),
    /** observations of all pieces, and alarms if each is used once */
    observedSeconds: count,
    alarmsAtOnce: count,
  }),
  trials: z.array(
    z.strictObject({
      kind: z.enum(DRIFT_KINDS),
      strength: z.enum(DRIFT_STRENGTHS),
      trials: count,
      detected: count,
      /** from the first changed observation to the alarm; null without one */
      medianSeconds: z.number().min(0).nullable(),
      causeRight: count,
      /** causes that were named, with how often */
      causes: z.record(z.string(), count),
    }),
  ),
  /** the alarm, and customary rules on the same observations: most decide for each piece */
  rules: z.array(
    z.strictObject({
      rule: z.string(),
      /** alarms without drift, over as many observations */
      falseAlarms: count,
      seconds: count,
      falseAlarmsPerWeek: z.number().min(0),
      /** trials of the middle strength that it alarmed at, and after which time; a piece has to be over */
      detected: share.nullable(),
      medianSeconds: z.number().min(0).nullable(),
    }),
  ),
});

/** What drift did to the features (`--deviations`), which scripts/drift/fit_changes.py learns from. */
export const driftDeviationsSchema = z.strictObject({
  schema: z.literal('goshawk.drift-deviations/2'),
  seed: count,
  features: z.array(z.string()),
  drifts: z.array(
    z.strictObject({
      street: count,
      kind: z.enum(DRIFT_KINDS),
      strength: z.enum(DRIFT_STRENGTHS),
      /** mean deviations from the context over a window, in its standard deviations, and scaled */
      sigmas: z.array(z.number()),
      shifts: z.array(z.number()),
    }),
  ),
  /** of each context of each street, means of scaled features over the same 25 s, in order; null without a value */
  places: z.array(
    z.strictObject({ street: count, context: z.string(), means: z.array(z.array(z.number().nullable())) }),
  ),
});

export type DriftDeviations = z.infer<typeof driftDeviationsSchema>;

export type DriftTrialsReport = z.infer<typeof driftBenchSchema>;
