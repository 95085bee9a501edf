import { z } from 'zod';
import { DROP_REASONS } from './drops.ts';
import { referenceCheckSchema, variantChoiceSchema } from './engine-choice.ts';

/** Version of topics and payloads; part of every topic. */
export const TELEMETRY_VERSION = 'v1';

export const STREAMS = [
  'connection',
  'state',
  'metrics',
  'drift',
  'event',
  'job',
  'job-status',
  'ack',
] as const;

export type Stream = (typeof STREAMS)[number];

/**
 * A topic level: what MQTT reserves (`/`, `+`, `#`, NUL) and what shells and dashboards stumble over is not
 * allowed.
 */
export const topicLevelSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    'letters, digits, dot, dash, underscore; begins with a letter or digit',
  );

/** Who speaks: one detector of one robot. No two clients of a broker may have all three alike. */
export interface Speaker {
  readonly site: string;
  readonly robot: string;
  /** the detector on the robot: a machine may run several */
  readonly node: string;
}

function levelsOf({ site, robot, node }: Speaker): readonly string[] {
  return [site, robot, node].map((level) => topicLevelSchema.parse(level));
}

/** `fleet/v1/{site}/{robot}/{node}/{stream}` */
export function telemetryTopic(speaker: Speaker, stream: Stream): string {
  return ['fleet', TELEMETRY_VERSION, ...levelsOf(speaker), stream].join('/');
}

/**
 * The MQTT client id. It says the same as the topics, so that two clients that would mix their messages meet
 * at the broker and are told. No level holds a colon: different speakers never have one id.
 */
export function telemetryClientId(speaker: Speaker): string {
  return ['goshawk', ...levelsOf(speaker)].join(':');
}

/** The fields of VDA 5050's header, plus the node that speaks and the boot that gives `headerId` its meaning. */
const headerShape = {
  /**
   * counter of this topic since this boot, from 0; `(serialNumber, node, stream, bootId, headerId)` names a
   * message for good
   */
  headerId: z.int().min(0),
  /** ISO 8601, milliseconds, UTC */
  timestamp: z.iso.datetime({ precision: 3 }),
  /** version of the payload's schema */
  version: z.string(),
  manufacturer: z.string(),
  /** the robot */
  serialNumber: topicLevelSchema,
  /** the detector on the robot */
  node: topicLevelSchema,
  /** one process's life on the robot */
  bootId: z.uuid(),
} as const;

export type TelemetryHeader = z.infer<z.ZodObject<typeof headerShape>>;

/** Retained, QoS 1. `CONNECTION_BROKEN` is the will; it counts only against the birth with the same `bootId`. */
export const connectionSchema = z.strictObject({
  ...headerShape,
  connectionState: z.enum(['ONLINE', 'OFFLINE', 'HIBERNATING', 'CONNECTION_BROKEN']),
});

const bundleReferenceSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  variant: z.string(),
  provider: z.string(),
});

/** Facts about the machine. A field is absent where there is no sensor; none is ever made up. */
export const hostStatsSchema = z.strictObject({
  /** busy share of all cores since the last message, 0..1 */
  cpuRatio: z.number().min(0).max(1).optional(),
  memoryUsedBytes: z.int().min(0).optional(),
  memoryTotalBytes: z.int().min(0).optional(),
  /** by thermal zone */
  temperatureCelsius: z.record(z.string(), z.number()).optional(),
  /** by power rail */
  powerWatts: z.record(z.string(), z.number().min(0)).optional(),
  gpuRatio: z.number().min(0).max(1).optional(),
});

/** What the robot is doing, at least every 30 s. */
export const stateSchema = z.strictObject({
  ...headerShape,
  uptimeSeconds: z.number().min(0),
  lifecycle: z.enum(['unconfigured', 'inactive', 'active', 'finalized']),
  bundle: bundleReferenceSchema.nullable(),
  /**
   * whether the bundle gives here what it gave when it was evaluated, and why this variant runs; null before
   * it is loaded
   */
  reference: z
    .strictObject({
      ...referenceCheckSchema.shape,
      exactInt8: z.boolean(),
      choice: variantChoiceSchema.shape.how,
      why: z.string(),
      /** ways to run it that were refused, with their figures */
      refused: z.array(z.string()),
    })
    .nullable()
    .optional(),
  cameras: z.array(
    z.strictObject({
      camera: z.string(),
      /** seconds since the last frame; `null` before the first */
      silentSeconds: z.number().min(0).nullable(),
      framesReceived: z.int().min(0),
      framesPublished: z.int().min(0),
    }),
  ),
  host: hostStatsSchema,
});

/** Milliseconds; dense around one frame at 30 a second, and never changed, so that histograms of years add up. */
export const LATENCY_EDGES_MS: readonly number[] = [
  1, 2, 3, 5, 7.5, 10, 12.5, 15, 17.5, 20, 22.5, 25, 30, 33.4, 40, 50, 66.7, 100, 150, 200, 300, 500, 1000,
  2000, 5000,
];

/**
 * Fixed-edge histogram of milliseconds: `counts[i]` values in `(edges[i-1], edges[i]]`, the last count above
 * the last edge. Same edges everywhere, so windows and robots add up exactly.
 */
const latencyHistogramSchema = z.strictObject({
  edgesMs: z.array(z.number()),
  counts: z.array(z.int().min(0)),
  sumMs: z.number().min(0),
});

/** What happened in one window. Windows of a robot touch; a message that was not delivered is declared in `gaps`. */
export const metricsSchema = z.strictObject({
  ...headerShape,
  window: z.strictObject({ start: z.iso.datetime({ precision: 3 }), end: z.iso.datetime({ precision: 3 }) }),
  bundle: bundleReferenceSchema.nullable(),
  cameras: z.array(
    z.strictObject({
      camera: z.string(),
      received: z.int().min(0),
      published: z.int().min(0),
      drops: z.partialRecord(z.enum(DROP_REASONS), z.int().min(0)),
      inFlight: z.int().min(0),
      fps: z.strictObject({ in: z.number().min(0), out: z.number().min(0) }),
      latency: latencyHistogramSchema,
    }),
  ),
  process: z.strictObject({ residentBytes: z.int().min(0), eventLoopDelayP99Ms: z.number().min(0) }),
  host: hostStatsSchema,
  /** messages of each stream that were made since the last delivered message of this stream and will never arrive */
  gaps: z.partialRecord(z.enum(STREAMS), z.int().min(1)),
});

export type ConnectionPayload = z.infer<typeof connectionSchema>;
export type StatePayload = z.infer<typeof stateSchema>;
export type MetricsPayload = z.infer<typeof metricsSchema>;

const headerKeys = {
  headerId: true,
  timestamp: true,
  version: true,
  manufacturer: true,
  serialNumber: true,
  node: true,
  bootId: true,
} as const;

/** What the robot's runtime says; the telemetry thread puts the header before it. */
export const stateBodySchema = stateSchema.omit(headerKeys);
export const metricsBodySchema = metricsSchema.omit({ ...headerKeys, gaps: true });

export type StateBody = z.infer<typeof stateBodySchema>;
export type MetricsBody = z.infer<typeof metricsBodySchema>;
