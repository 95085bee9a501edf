import { z } from 'zod';
import { CLIP_PRIVACY } from './clips.ts';
import { DROP_REASONS } from './drops.ts';
import { sourceSchema } from './report.ts';
import { referenceCheckSchema, variantChoiceSchema } from './engine-choice.ts';
import { VERDICT_KINDS } from '../core/drift/policy/rules.ts';
import { engineSizingSchema } from './sizing.ts';
import { accuracyEstimateSchema } from './accuracy-estimate.ts';
import { driftSummarySchema } from './drift-summary.ts';
import { driftVerdictSchema } from './drift-verdict.ts';
import { labeledAccuracySchema } from './labeled-accuracy.ts';

const milliseconds = z.number().min(0);
const recentSchema = z.looseObject({ count: z.number(), p50: milliseconds, p99: milliseconds });

/** `received = published + sum(drops) + inFlight` at the instant it is read. */
const framesSchema = z.looseObject({
  received: z.int().min(0),
  published: z.int().min(0),
  inFlight: z.int().min(0),
  drops: z.partialRecord(z.enum(DROP_REASONS), z.int().min(0)),
});

const troubleSchema = z.object({ code: z.string(), reason: z.string() });

const streamCountsSchema = z.object({
  produced: z.int().min(0),
  /** acknowledged by the fleet */
  delivered: z.int().min(0),
  /** declared as lost, by reason */
  declared: z.record(z.string(), z.int().min(0)),
  waiting: z.int().min(0),
  waitingBytes: z.int().min(0),
  oldestSeconds: z.number().min(0).nullable(),
});

const bundleSchema = z.looseObject({ name: z.string(), version: z.string(), digest: z.string() });

const fpsSchema = z.looseObject({ in: z.number().min(0), out: z.number().min(0) });

/**
 * `GET /api/status` of a running device, read by the status line, the web page and scripts. Fields may be
 * added later, so unknown ones are accepted.
 */
export const statusSchema = z.looseObject({
  state: z.string(),
  uptimeSeconds: z.number().min(0),
  /** time since frames are accepted; null while they are not */
  activeMs: milliseconds.nullable(),
  bundle: bundleSchema.nullable(),
  variant: z.string().nullable(),
  provider: z.string().nullable(),
  /** the engine that runs the model; null before it is loaded */
  engine: z
    .looseObject({
      kind: z.string(),
      bundle: bundleSchema,
      variant: z.string(),
      provider: z.string(),
      precision: z.string(),
      workers: z.int().min(1),
      threads: z.int().min(1),
      queueDepth: z.int().min(1),
      /** null if the operator fixed the setting */
      sizing: engineSizingSchema.nullable(),
      /** true if the inference library's exact 8-bit kernels were requested */
      exactInt8: z.boolean(),
      referenceCheck: referenceCheckSchema,
      choice: variantChoiceSchema,
      refusals: z.array(z.strictObject({ provider: z.string(), reason: z.string() })),
      nodesByProvider: z.record(z.string(), z.int().min(0)),
    })
    .nullable(),
  /** how often inference was lost and restored */
  engineLost: z.int().min(0),
  engineRestored: z.int().min(0),
  fps: fpsSchema,
  frames: framesSchema,
  recentMs: z.looseObject({ total: recentSchema, stages: z.record(z.string(), recentSchema) }),
  cameras: z.record(
    z.string(),
    z.looseObject({
      frames: framesSchema,
      fps: fpsSchema,
      lastFrameAgeMs: z.number().nullable(),
      /** it should have sent a frame by now */
      isSilent: z.boolean(),
      lastDrop: z.enum(DROP_REASONS).nullable(),
      width: z.int().min(0),
      height: z.int().min(0),
      encoding: z.string(),
      preprocess: z.looseObject({ mode: z.string(), why: z.string() }).nullable(),
      /** only for a camera inside the process */
      source: sourceSchema.optional(),
    }),
  ),
  /** a camera that has sent nothing for this long is silent */
  silentAfterMs: milliseconds,
  process: z.looseObject({ rssBytes: z.number().min(0) }),
  telemetry: z
    .looseObject({
      connected: z.boolean(),
      protocol: z.string().nullable(),
      /** error code of a link that is down */
      code: z.string().nullable().optional(),
      reason: z.string(),
      /** why waiting messages are only in memory */
      outbox: troubleSchema.nullable().optional(),
      /** why nothing is acknowledged though messages are published */
      fleet: troubleSchema.nullable().optional(),
      /** what a limit of bytes a day allows at the moment */
      meter: z
        .object({ bytesPerDay: z.number(), usedBytes: z.number(), allowance: z.string() })
        .nullable()
        .optional(),
      /** counts since the process began, by stream */
      streams: z.record(z.string(), streamCountsSchema).nullable().optional(),
      sentBytes: z.int().min(0).optional(),
    })
    .nullable(),
  /** absent unless clips are recorded */
  capture: z
    .looseObject({
      folder: z.string(),
      privacy: z.enum(CLIP_PRIVACY),
      ring: z.object({ frames: z.int().min(0), bytes: z.int().min(0) }),
      /** clips that are being recorded */
      recording: z.int().min(0),
      /** on the disk */
      clips: z.int().min(0),
      bytes: z.int().min(0),
      /** since the process began: clips that made room for others, frames that clips lack */
      removed: z.int().min(0),
      missed: z.int().min(0),
      /** clips by what asked for them, and those that were not recorded by reason */
      recorded: z.record(z.string(), z.int().min(0)),
      refused: z.record(z.string(), z.int().min(0)),
      /** why the disk takes none at the moment */
      trouble: troubleSchema.nullable(),
    })
    .optional(),
  /** over the newest labeled frames, by camera; absent without labels */
  labeled: z.record(z.string(), labeledAccuracySchema).optional(),
  /** absent unless frames are measured: for telemetry, a reference, a policy or the page */
  drift: z
    .looseObject({
      windowSeconds: z.int().min(1),
      /** sent since the process began */
      windows: z.int().min(0),
      /** the newest that is over; null before */
      window: z.looseObject({ start: z.iso.datetime(), end: z.iso.datetime() }).nullable(),
      /** means of that window, in the units of docs/drift.md */
      cameras: z.record(z.string(), driftSummarySchema),
      /** by camera, against the reference; absent without one */
      verdicts: z.record(z.string(), driftVerdictSchema).optional(),
      /** how much of its accuracy the model keeps, estimated without labels, by camera */
      accuracy: z.record(z.string(), accuracyEstimateSchema).optional(),
      /** why there are no verdicts though a reference is given, by camera */
      unjudged: z.record(z.string(), troubleSchema).optional(),
      /** what of the reference is not compared, since the detector runs with other settings than it was made with */
      uncompared: troubleSchema.optional(),
      /** cameras that sent frames once, and none for so long that nothing is known of them */
      silent: z.array(z.string()).optional(),
      /** kinds of verdicts that there are none of for any camera, and why */
      cannotTell: z.partialRecord(z.enum(VERDICT_KINDS), z.string()).optional(),
    })
    .optional(),
  /** what is done about drift; absent without a policy */
  policy: z
    .looseObject({
      file: z.string(),
      rules: z.int().min(0),
      /** rules in force, the oldest first */
      active: z.array(
        z.object({
          rule: z.string(),
          camera: z.string(),
          actions: z.array(z.string()),
          seconds: z.number().min(0),
        }),
      ),
      /** begun since the process began, by action */
      done: z.record(z.string(), z.int().min(0)),
      /** why the dead-man rule ended everything; null if it did not */
      stopped: troubleSchema.nullable(),
      /** why the newest file is not in force; null if it is */
      refused: troubleSchema.nullable(),
      /** actions that could not be carried out, by rule */
      failed: z.record(z.string(), troubleSchema),
      /** why rules can never begin, by the kind of verdict that they wait for */
      unmet: z.record(z.string(), troubleSchema).optional(),
      /** true: nothing learns from what the cameras show */
      isFrozen: z.boolean(),
    })
    .optional(),
});

export type Status = z.infer<typeof statusSchema>;

/** `GET /healthz`: 200 if `ok`, 503 otherwise, with the reasons in words. */
export const healthSchema = z.strictObject({ ok: z.boolean(), reasons: z.array(z.string()) });

export type Health = z.infer<typeof healthSchema>;
