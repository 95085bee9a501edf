import { z } from 'zod';
import { DRIFT_STATES } from '../../core/drift/window-verdict.ts';
import { TRIAGE_KINDS } from '../../core/drift/triage/groups.ts';
import { topicLevelSchema } from '../telemetry/speaker.ts';
import { lineSchema } from './text.ts';

const MAX_HOURS = 2 * 365 * 24;
/** Names of features in a question. */
const MAX_FEATURES = 8;

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const statesSchema = z.strictObject(
  Object.fromEntries(DRIFT_STATES.map((state) => [state, count])) as Record<
    (typeof DRIFT_STATES)[number],
    typeof count
  >,
);

/** Bins of a feature: docs/drift.md has its edges. */
const histogramSchema = z.strictObject({
  /** ascending; bin i has the values in `(edges[i-1], edges[i]]`; none for a feature that the fleet does not know */
  edges: z.array(z.number()),
  /** number of the first bin of `counts` */
  first: count,
  counts: z.array(count),
});

const bundleSchema = z.strictObject({
  /** NAME@VERSION */
  name: z.string(),
  digest: z.string(),
});

const groupSchema = z.strictObject({
  /** what all of its cameras have in common; absent for what they differ in */
  site: z.string().optional(),
  robot: z.string().optional(),
  node: z.string().optional(),
  camera: z.string().optional(),
  bundle: bundleSchema.optional(),
  /** value of the tag that was asked for; empty for robots without it */
  tag: z.string().optional(),
  /** how many there are */
  robots: count,
  cameras: count,
  /** length of their windows together */
  seconds: z.number().min(0),
  frames: count,
  /** windows that ended in each state; windows without a verdict are in none */
  states: statesSchema,
  /** by name */
  features: z.record(
    z.string(),
    z.strictObject({
      count,
      /** in the feature's unit */
      mean: z.number(),
      /** of features that were asked for */
      histogram: histogramSchema.optional(),
    }),
  ),
  /** published boxes by label */
  classes: z.record(z.string(), count),
  /** of suppressed boxes; null without any */
  consistency: z.number().nullable(),
  reliability: z.number().nullable(),
});

/** `GET /api/v1/drift` */
export const mergedDriftSchema = z.strictObject({
  generatedAt: z.iso.datetime(),
  /** what is covered; `start` is later than what was asked for if `isPartial` */
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  /** the rollups that it is made from */
  source: z.enum(['5m', '1h', '1d']),
  /** there was more than one answer may be made from: ask for fewer robots or for less time */
  isPartial: z.boolean(),
  /** groups that there are; those with most drifted windows come first */
  total: count,
  groups: z.array(groupSchema),
});

const untilSchema = z.iso.datetime().optional();

/** `GET /api/v1/robots/{site}/{robot}/drift` */
export const robotDriftSchema = z.strictObject({
  generatedAt: z.iso.datetime(),
  /** what is covered; `start` is later than what was asked for if `isPartial` */
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  /** there was more than one answer may have */
  isPartial: z.boolean(),
  /** payloads of its `drift` messages as the robot sent them (docs/asyncapi.json), the oldest first */
  windows: z.array(z.record(z.string(), z.unknown())),
});

/** Which windows of a robot may be asked for. */
export const robotDriftQuerySchema = z.object({
  hours: z.coerce
    .number()
    .gt(0)
    .max(31 * 24)
    .default(24),
  /** end of the time by the robot's clock; now if absent */
  until: untilSchema,
});

/** A tag as KEY=VALUE. */
const tagSchema = lineSchema.max(100).regex(/^$|^[^=]+=/, 'it must be KEY=VALUE');

/** What drift may be asked for. */
export const driftQuerySchema = z.object({
  /** windows of the same one are added */
  by: z.enum(['fleet', 'site', 'tag', 'bundle', 'robot', 'camera']).default('site'),
  /** key of the tag, for `by=tag` */
  key: lineSchema.max(32).default(''),
  site: z.union([z.literal(''), topicLevelSchema]).default(''),
  robot: z.union([z.literal(''), topicLevelSchema]).default(''),
  camera: lineSchema.max(200).default(''),
  /** digest, or NAME@VERSION */
  bundle: lineSchema.max(200).default(''),
  tag: tagSchema.default(''),
  hours: z.coerce.number().gt(0).max(MAX_HOURS).default(24),
  /** end of the time by the robots' clocks; now if absent */
  until: untilSchema,
  /** whose histograms are wanted, separated by commas */
  features: z
    .string()
    .regex(/^$|^[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*$/, 'names separated by commas')
    .max(500)
    .refine((names) => names.split(',').length <= MAX_FEATURES, `at most ${MAX_FEATURES} names`)
    .default(''),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const subjectShape = {
  kind: z.enum(TRIAGE_KINDS),
  /** what the answer is about; absent for what its cameras differ in */
  site: z.string().optional(),
  robot: z.string().optional(),
  node: z.string().optional(),
  camera: z.string().optional(),
  bundle: bundleSchema.optional(),
  /** logarithm of the posterior odds that it is so and not chance */
  score: z.number(),
};

const answerSchema = z.strictObject({
  ...subjectShape,
  /** one sentence for people */
  text: z.string(),
  /** among the other explanations of the same cameras */
  certainty: share,
  /** share of all shifts of the fleet that this explains */
  explained: share,
  /** of the shift, what is also there against the last three days; null if these are not known */
  suddenness: share.nullable(),
  /** cameras that it could be about, and those that have its shift */
  members: count,
  affected: count,
  /** first time at which a verdict of them saw it; null without one */
  since: z.iso.datetime().nullable(),
  /** likely causes, by how many cameras say so */
  causes: z.array(z.strictObject({ name: z.string(), words: z.string(), cameras: count })),
  features: z.array(
    z.strictObject({
      feature: z.string(),
      unit: z.string(),
      /** the common shift, in standard deviations of what is usual */
      sigmas: z.number(),
      /** over the cameras that are affected, now and in earlier weeks; null without any */
      now: z.number().nullable(),
      usual: z.number().nullable(),
      histograms: z
        .strictObject({ edges: z.array(z.number()), now: z.array(share), usual: z.array(share) })
        .nullable(),
    }),
  ),
  /** those that are affected, the strongest first; up to 50 */
  cameras: z.array(
    z.strictObject({
      site: z.string(),
      robot: z.string(),
      node: z.string(),
      camera: z.string(),
      bundle: bundleSchema.nullable(),
      /** length of its shift over all features, in standard deviations */
      size: z.number().min(0),
      /** of the newest verdict; null without one */
      state: z.enum(DRIFT_STATES).nullable(),
    }),
  ),
  alternatives: z.array(z.strictObject({ ...subjectShape, text: z.string() })),
});

/** `GET /api/v1/triage` */
export const triageSchema = z.strictObject({
  generatedAt: z.iso.datetime(),
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  cameras: z.strictObject({
    /** with frames in the time */
    total: count,
    /** of these, those that were looked at: there may be too many for one answer */
    sampled: count,
    /** of these, those with verdicts or with earlier weeks to compare with */
    compared: count,
    /** by the newest verdict */
    states: statesSchema,
  }),
  /** the best explanation first; each explains what those before it leave */
  answers: z.array(answerSchema),
});

/** What triage may be asked for. */
export const triageQuerySchema = z.object({
  /** length of the time, in steps of five */
  minutes: z.coerce.number().int().min(5).max(180).default(30),
  /** end of the time by the robots' clocks, no earlier than rollups of 5 minutes are kept; now if absent */
  until: untilSchema,
});

export type RobotDrift = z.infer<typeof robotDriftSchema>;
export type RobotDriftQuery = z.infer<typeof robotDriftQuerySchema>;
export type DriftQuery = z.infer<typeof driftQuerySchema>;
export type MergedDrift = z.infer<typeof mergedDriftSchema>;
export type DriftGroup = z.infer<typeof groupSchema>;
export type TriageQuery = z.infer<typeof triageQuerySchema>;
export type TriageReport = z.infer<typeof triageSchema>;
export type TriageSubject = Pick<
  z.infer<typeof answerSchema>,
  'kind' | 'site' | 'robot' | 'node' | 'camera' | 'bundle' | 'score'
>;
