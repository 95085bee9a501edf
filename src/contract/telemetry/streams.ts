import { z } from 'zod';
import { DROP_REASONS } from '../drops.ts';
import { referenceCheckSchema, variantChoiceSchema } from '../engine-choice.ts';
import { bundleReferenceSchema, hostStatsSchema, latencyHistogramSchema } from './shapes.ts';

/**
 * What is lost when messages cannot be delivered:
 * - `presence`: about the connection itself; sent while it is up, never waits
 * - `state`: the newest waits; older ones are lost, since nobody needs them any more
 * - `window`: messages wait in order; beyond `maxWaiting` the oldest is lost
 */
export type LossClass = 'presence' | 'state' | 'window';

/** One kind of telemetry message. */
interface StreamRow {
  readonly direction: 'device-to-fleet' | 'fleet-to-device';
  readonly qos: 0 | 1;
  /** the broker keeps the newest message for later subscribers */
  readonly retained: boolean;
  readonly loss: LossClass;
  /** messages that wait while the broker is away */
  readonly maxWaiting: number;
  /** null: sent when something happens */
  readonly periodSeconds: number | null;
  /** its messages declare what was lost of all streams since the last delivered one, in `gaps` */
  readonly declaresGaps: boolean;
  /** of the AsyncAPI document */
  readonly summary: string;
  /** when it is sent and what is in it, for the table in docs/telemetry.md */
  readonly when: string;
  readonly content: string;
  /** the message without header and `gaps`, which the sender adds */
  readonly body: z.ZodObject;
}

/**
 * Every telemetry stream, one row each. Topics, the AsyncAPI document, the table in docs/telemetry.md,
 * outboxes, client, thread and reporter follow from it. A stream has a row only while something sends it.
 */
export const STREAMS = {
  connection: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: true,
    loss: 'presence',
    maxWaiting: 0,
    periodSeconds: null,
    declaresGaps: false,
    summary: 'ONLINE and OFFLINE by the robot, CONNECTION_BROKEN as its will; retained',
    when: 'connect, close, last will',
    content: '`connectionState`',
    body: z.strictObject({
      /** `CONNECTION_BROKEN` is the last will; it only applies to the birth with the same `bootId` */
      connectionState: z.enum(['ONLINE', 'OFFLINE', 'HIBERNATING', 'CONNECTION_BROKEN']),
    }),
  },
  state: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    loss: 'state',
    maxWaiting: 1,
    periodSeconds: 10,
    declaresGaps: false,
    summary: 'What the robot is doing, every 10 s',
    when: 'every 10 s',
    content: 'lifecycle, bundle, silence of each camera, the machine',
    body: z.strictObject({
      uptimeSeconds: z.number().min(0),
      lifecycle: z.enum(['unconfigured', 'inactive', 'active', 'finalized']),
      bundle: bundleReferenceSchema.nullable(),
      /**
       * whether the bundle reproduces here what it returned when it was evaluated, and why this variant runs;
       * null before it is loaded
       */
      reference: z
        .strictObject({
          ...referenceCheckSchema.shape,
          exactInt8: z.boolean(),
          choice: variantChoiceSchema.shape.how,
          why: z.string(),
          /** ways to run it that were refused, with what was measured */
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
    }),
  },
  /** Windows of a robot are contiguous; a message that was not delivered is declared in `gaps`. */
  metrics: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    loss: 'window',
    // two hours without a broker
    maxWaiting: 720,
    periodSeconds: 10,
    declaresGaps: true,
    summary: 'What happened in a window of 10 s',
    when: 'every 10 s',
    content: 'a stats window',
    body: z.strictObject({
      window: z.strictObject({
        start: z.iso.datetime({ precision: 3 }),
        end: z.iso.datetime({ precision: 3 }),
      }),
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
    }),
  },
} as const satisfies Readonly<Record<string, StreamRow>>;

type Streams = typeof STREAMS;

export type Stream = keyof Streams;

type StreamsWith<Feature> = {
  [Name in Stream]: Streams[Name] extends Feature ? Name : never;
}[Stream];

/** Streams whose messages the runtime hands to the telemetry thread. `presence` is the thread's own. */
export type ReportedStream = Exclude<
  StreamsWith<{ readonly direction: 'device-to-fleet' }>,
  StreamsWith<{ readonly loss: 'presence' }>
>;

/** Streams that are sent regularly. */
export type PeriodicStream = ReportedStream & StreamsWith<{ readonly periodSeconds: number }>;

export type StreamDeclaringGaps = StreamsWith<{ readonly declaresGaps: true }>;

/** A message without its header. */
export type StreamBody<Name extends Stream> = z.infer<Streams[Name]['body']>;

const NAMES = Object.keys(STREAMS) as Stream[];

function isReported(name: Stream): name is ReportedStream {
  const { direction, loss }: StreamRow = STREAMS[name];
  return direction === 'device-to-fleet' && loss !== 'presence';
}

function isPeriodic(name: ReportedStream): name is PeriodicStream {
  const { periodSeconds }: StreamRow = STREAMS[name];
  return periodSeconds !== null;
}

/** @public for docs/asyncapi.json */
export const STREAM_NAMES: readonly Stream[] = NAMES;
export const REPORTED_STREAMS: readonly ReportedStream[] = NAMES.filter(isReported);
export const PERIODIC_STREAMS: readonly PeriodicStream[] = REPORTED_STREAMS.filter(isPeriodic);

/** The fields of a stream that do not depend on its schema. */
export function streamRow(name: Stream): StreamRow {
  return STREAMS[name];
}
