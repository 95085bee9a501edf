import { z } from 'zod';
import { clipSchema } from '../clips.ts';
import { referenceCheckSchema, variantChoiceSchema } from '../engine-choice.ts';
import { clipChunkBodySchema, clipRequestBodySchema } from './clips.ts';
import { driftBodySchema } from './drift.ts';
import { nameSchema } from '../names.ts';
import { quantity } from '../quantities.ts';
import { rangesSchema, streamNameSchema, MAX_ACKS } from './ranges.ts';
import {
  bundleReferenceSchema,
  eventSchema,
  hostStatsSchema,
  latencyHistogramSchema,
  tagsSchema,
  windowSchema,
} from './shapes.ts';

/**
 * What happens when a stream's messages outgrow what may wait for the fleet. Every loss is declared in `gap`.
 * - `unstored`: about the connection itself; sent while it is up, never waits
 * - `newest`: only the newest waits; older ones are lost, since nobody needs them any more
 * - `merge`: messages wait in order; beyond the bounds neighbors are merged into one, and where that is not
 *   possible the oldest is lost
 * - `refuse`: messages wait in order; beyond the bounds new ones are lost, since those before them explain more
 * - `kept`: never lost to a bound, since it declares what else was lost; neighbors are joined
 */
export type Overflow = 'unstored' | 'newest' | 'merge' | 'refuse' | 'kept';

/** One kind of telemetry message. */
interface StreamRow {
  readonly direction: 'device-to-fleet' | 'fleet-to-device';
  readonly qos: 0 | 1;
  /** the broker keeps the newest message for later subscribers */
  readonly retained: boolean;
  readonly overflow: Overflow;
  /** streams with a lower number are delivered first */
  readonly priority: number;
  /** bytes of payload that may wait on the device */
  readonly maxBytes: number;
  /** a message that has waited for longer is lost */
  readonly maxAgeHours: number;
  /** null: sent when something happens */
  readonly periodSeconds: number | null;
  /** of the AsyncAPI document */
  readonly summary: string;
  /** when it is sent and what is in it, for the table in docs/telemetry.md */
  readonly when: string;
  readonly content: string;
  /** JSON unless it is given; then the message has no header, and no body of its own */
  readonly contentType?: 'application/zstd';
  /** the message without its header, which the sender adds */
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
    overflow: 'unstored',
    priority: 0,
    maxBytes: 0,
    maxAgeHours: 0,
    periodSeconds: null,
    summary: 'ONLINE, HIBERNATING and OFFLINE by the robot, CONNECTION_BROKEN as its will; retained',
    when: 'connect, change, close, last will',
    content: '`connectionState`',
    body: z.object({
      /**
       * `ONLINE` and `HIBERNATING` are births: it is connected, and takes frames or, by intention, none.
       * `CONNECTION_BROKEN` is the last will; it only applies to births with the same `bootId` and `birthHeaderId`
       */
      connectionState: z.enum(['ONLINE', 'OFFLINE', 'HIBERNATING', 'CONNECTION_BROKEN']),
      /** `headerId` of the first message of this connection: tells connections of a boot apart (since 1.2.0) */
      birthHeaderId: quantity('message').optional(),
    }),
  },
  state: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    overflow: 'newest',
    priority: 1,
    maxBytes: 1 << 20,
    maxAgeHours: 24,
    periodSeconds: 10,
    summary: 'What the robot is doing, every 10 s',
    when: 'every 10 s',
    content: 'lifecycle, bundle, silence of each camera, the machine, tags',
    body: z.object({
      uptimeSeconds: quantity('seconds'),
      lifecycle: z.enum(['unconfigured', 'inactive', 'active', 'finalized']),
      bundle: bundleReferenceSchema.nullable(),
      /** what the operator calls it by (`fleet_tags`); absent without any (since 1.3.0) */
      tags: tagsSchema.optional(),
      /**
       * whether the bundle reproduces here what it returned when it was evaluated, and why this variant runs;
       * null before it is loaded
       */
      reference: z
        .object({
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
        z.object({
          camera: z.string(),
          /** seconds since the last frame; `null` before the first */
          silentSeconds: quantity('seconds').nullable(),
          framesReceived: quantity('frames'),
          framesPublished: quantity('frames'),
        }),
      ),
      host: hostStatsSchema,
    }),
  },
  event: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    overflow: 'refuse',
    priority: 1,
    maxBytes: 4 << 20,
    maxAgeHours: 30 * 24,
    periodSeconds: null,
    summary: 'Something happened that a person may want to know',
    when: 'when it happens',
    content: 'kind, severity, camera, frames, text, values',
    body: eventSchema,
  },
  /** Windows of a robot are contiguous; one that will never arrive is declared in `gap`. */
  metrics: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    overflow: 'merge',
    priority: 2,
    // weeks without a broker: a window of one camera has about 1.5 kB, and windows merge before they are lost
    maxBytes: 64 << 20,
    maxAgeHours: 30 * 24,
    periodSeconds: 10,
    summary: 'What happened in a window of 10 s',
    when: 'every 10 s',
    content: 'a stats window',
    body: z.object({
      window: windowSchema,
      bundle: bundleReferenceSchema.nullable(),
      cameras: z.array(
        z.object({
          camera: z.string(),
          /**
           * Frames are counted as they arrive and leave, not by stamp: many are dropped because their stamp cannot be
           * used, and one in flight has no outcome yet. So each window adds up, as do any number of them:
           * `received` + `inFlight` of the window before = `published` + sum of `drops` + `inFlight`
           */
          received: quantity('frames'),
          published: quantity('frames'),
          /** by reason (docs/drops.md); readers accept reasons that they do not know */
          drops: z.record(nameSchema, quantity('frames')),
          /** received, with no outcome yet when the window was made; 0 before the first window of a model */
          inFlight: quantity('frames'),
          fps: z.object({ in: quantity('framesPerSecond'), out: quantity('framesPerSecond') }),
          /** of the frames with stamps in the window, and of late ones; by arrival if the clocks do not agree */
          latency: latencyHistogramSchema,
          /** frames in `latency` whose stamps belong to a window that was sent before (since 1.3.0) */
          late: quantity('frames').optional(),
          /** frames in `latency` with the stamp of one before (since 1.3.0) */
          duplicate: quantity('frames').optional(),
        }),
      ),
      process: z.object({ residentBytes: quantity('bytes'), eventLoopDelayP99Ms: quantity('milliseconds') }),
      host: hostStatsSchema,
    }),
  },
  /**
   * What the frames of a window look like, as counts that add up: over time, cameras and robots. With a reference also
   * whether that changed.
   */
  drift: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    overflow: 'merge',
    priority: 2,
    // five days without a broker: a window of one camera has about 2 kB, and windows merge before they are lost
    maxBytes: 16 << 20,
    maxAgeHours: 30 * 24,
    periodSeconds: null,
    summary: 'Statistics of the frames of a window, to compare with those of other times',
    when: 'every 60 s (`drift_window_s`)',
    content: 'for each camera histograms of image, boxes and tracks, C and R of suppression, a verdict',
    body: driftBodySchema,
  },
  /** An offer: the file stays on the robot until the fleet asks for it, or newer clips need its room. */
  clip: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    overflow: 'refuse',
    priority: 1,
    maxBytes: 1 << 20,
    maxAgeHours: 30 * 24,
    periodSeconds: null,
    summary: 'A clip was recorded: the fleet may ask for it',
    when: 'after a clip',
    content: 'name, reason, cameras, times, counts, size, sha256, bundle',
    body: clipSchema,
  },
  /** Only while the fleet asks for it, and not kept: what does not arrive is asked for again. */
  'clip-chunk': {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    overflow: 'unstored',
    priority: 3,
    maxBytes: 0,
    maxAgeHours: 0,
    periodSeconds: null,
    summary: 'A piece of a clip that the fleet asked for, or why there is none',
    when: 'asked for, 64 KiB a second at most',
    content: 'request, clip, offset, size, up to 32 KiB in Base64',
    body: clipChunkBodySchema,
  },
  'clip-request': {
    direction: 'fleet-to-device',
    qos: 1,
    retained: false,
    overflow: 'unstored',
    priority: 0,
    maxBytes: 0,
    maxAgeHours: 0,
    periodSeconds: null,
    summary: 'The fleet wants a part of a clip, or all of it at a URL',
    when: 'somebody wants a clip',
    content: 'request, clip, offset, bytes, URL',
    body: clipRequestBodySchema,
  },
  gap: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    overflow: 'kept',
    priority: 0,
    maxBytes: 8 << 20,
    maxAgeHours: 365 * 24,
    periodSeconds: null,
    summary: 'Messages that were made, or may have been made, and will never arrive',
    when: 'after a loss',
    content: 'stream, boot, ranges of `headerId`, reason',
    body: z.object({
      /** whose messages are lost; readers accept streams that they do not know */
      stream: streamNameSchema,
      /** the boot in which they were made, which may be an earlier one than that of this message */
      lostBootId: z.uuid(),
      /** inclusive ranges of `headerId`, ascending, none touching another */
      ranges: rangesSchema,
      /** one of `GAP_REASONS`, or one that a reader does not know */
      reason: nameSchema,
    }),
  },
  /** Messages of other streams in one: see `history.ts`. It is not stored itself; what it contains is. */
  history: {
    direction: 'device-to-fleet',
    qos: 1,
    retained: false,
    overflow: 'unstored',
    priority: 3,
    maxBytes: 0,
    maxAgeHours: 0,
    periodSeconds: null,
    summary: 'Messages that waited while the link was down, many in one; says nothing of the present',
    when: 'after an outage',
    content: 'Zstandard of a JSON list of `stream` and `payload`',
    contentType: 'application/zstd',
    body: z.object({}),
  },
  ack: {
    direction: 'fleet-to-device',
    qos: 1,
    retained: false,
    overflow: 'unstored',
    priority: 0,
    maxBytes: 0,
    maxAgeHours: 0,
    periodSeconds: null,
    summary: 'Messages that the fleet has stored for good: the robot forgets them',
    when: 'after a commit',
    content: 'stream, boot, ranges of `headerId`',
    body: z.object({
      acks: z
        .array(z.object({ stream: streamNameSchema, bootId: z.uuid(), ranges: rangesSchema }))
        .min(1)
        .max(MAX_ACKS),
    }),
  },
} as const satisfies Readonly<Record<string, StreamRow>>;

type Streams = typeof STREAMS;

export type Stream = keyof Streams;

type StreamsWith<Feature> = {
  [Name in Stream]: Streams[Name] extends Feature ? Name : never;
}[Stream];

/** Streams whose messages wait on the device until the fleet acknowledges them. */
export type StoredStream = Exclude<
  StreamsWith<{ readonly direction: 'device-to-fleet' }>,
  StreamsWith<{ readonly overflow: 'unstored' }>
>;

/** Streams whose messages the runtime hands to the telemetry thread, which makes gaps and presence itself. */
export type ReportedStream = Exclude<StoredStream, StreamsWith<{ readonly overflow: 'kept' }>>;

/** Streams that are sent regularly. */
export type PeriodicStream = ReportedStream & StreamsWith<{ readonly periodSeconds: number }>;

/** A message without its header. */
export type StreamBody<Name extends Stream> = z.infer<Streams[Name]['body']>;

const NAMES = Object.keys(STREAMS) as Stream[];

function isStored(name: Stream): name is StoredStream {
  const { direction, overflow }: StreamRow = STREAMS[name];
  return direction === 'device-to-fleet' && overflow !== 'unstored';
}

function isReported(name: StoredStream): name is ReportedStream {
  const { overflow }: StreamRow = STREAMS[name];
  return overflow !== 'kept';
}

function isPeriodic(name: ReportedStream): name is PeriodicStream {
  const { periodSeconds }: StreamRow = STREAMS[name];
  return periodSeconds !== null;
}

/** @public for docs/asyncapi.json */
export const STREAM_NAMES: readonly Stream[] = NAMES;
export const STORED_STREAMS: readonly StoredStream[] = NAMES.filter(isStored);
export const REPORTED_STREAMS: readonly ReportedStream[] = STORED_STREAMS.filter(isReported);
export const PERIODIC_STREAMS: readonly PeriodicStream[] = REPORTED_STREAMS.filter(isPeriodic);

/** The fields of a stream that do not depend on its schema. */
export function streamRow(name: Stream): StreamRow {
  return STREAMS[name];
}
