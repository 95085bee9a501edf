import { z } from 'zod';
import { conditionShape, outboxOfTrialSchema, trialSettingsSchema, trialShape } from './bench-trial.ts';
import { bundleRefSchema, reportBaseSchema } from './report.ts';

/**
 * What telemetry is given in place of a broker.
 * - `off`: no telemetry at all
 * - `again`: nor here; what differs from `off` is the machine's own variation
 * - `good`: a broker with a fleet behind it that acknowledges
 * - `drift`: the same, and every frame is measured for drift windows
 * - `away`: nobody listens at its port
 * - `backlog`: the same, and the messages of many hours wait on the disk
 * - `catch-up`: as many wait, and a good one takes them over a slow network the whole time
 * - `slow`: a good one, whose bytes trickle in both directions
 * - `hanging`: accepts the connection and never says anything
 * - `flooding`: sends messages as fast as they are read
 * - `endless`: sends a packet that does not end
 */
export const BROKER_CONDITIONS = [
  'off',
  'again',
  'good',
  'drift',
  'away',
  'backlog',
  'catch-up',
  'slow',
  'hanging',
  'flooding',
  'endless',
] as const;

export type BrokerCondition = (typeof BROKER_CONDITIONS)[number];

const count = z.int().min(0);
const amount = z.number().min(0);

const telemetryTrialSchema = z.strictObject({
  ...trialShape,
  condition: z.enum(BROKER_CONDITIONS),
  /** CPU of the telemetry thread while frames came, in cores */
  telemetryCores: amount,
  /** of the whole process */
  processCores: amount,
  outbox: outboxOfTrialSchema.optional(),
  /** PUBLISH packets of `history` that the fleet received, from the start of the process to its end */
  history: z.strictObject({ batches: count, bytes: count }).optional(),
  /**
   * from the start of the process until the fleet acknowledged the first message that was made while the link was up;
   * null if it never did. Messages are made every 10 s
   */
  firstLiveSeconds: amount.nullable().optional(),
});

export type TelemetryTrial = z.infer<typeof telemetryTrialSchema>;

const conditionSchema = z.strictObject({
  ...conditionShape,
  condition: z.enum(BROKER_CONDITIONS),
  telemetryCores: amount,
  /** median of the trials that have one; null if none has */
  firstLiveSeconds: amount.nullable().optional(),
});

export type ConditionSummary = z.infer<typeof conditionSchema>;

/** Messages of a stream at the good broker. */
const streamBytesSchema = z.strictObject({
  stream: z.string(),
  messages: count,
  /** of a PUBLISH packet: header, topic and payload; without TLS, TCP and IP */
  bytesPerMessage: amount,
  /** null for streams that are sent when something happens */
  bytesPerDay: amount.nullable(),
});

/** Report of `goshawk bench telemetry`. */
export const telemetryBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-telemetry/1'),
  bundle: bundleRefSchema,
  settings: trialSettingsSchema,
  conditions: z.array(conditionSchema),
  bytesByStream: z.array(streamBytesSchema),
  /** what waited on the disk before each trial of `backlog` and `catch-up`; absent if there were none */
  backlog: z
    .strictObject({
      /** without a broker, on a simulated clock */
      hours: z.number().positive(),
      /** stats windows of one camera, all of which wait */
      windows: count,
      payloadBytes: count,
      diskBytes: count,
      /** of the network in `catch-up` */
      bitsPerSecond: z.number().positive(),
    })
    .optional(),
  acceptance: z.strictObject({
    /** the largest `p99Ratio`, `again` left out */
    worstP99Ratio: amount,
    /** the largest of all trials */
    telemetryCores: amount,
    /** the largest `rssMoreBytes` */
    rssMoreBytes: z.number(),
  }),
  trials: z.array(telemetryTrialSchema),
});

export type TelemetryBenchReport = z.infer<typeof telemetryBenchReportSchema>;
