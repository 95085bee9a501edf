import { z } from 'zod';
import { framesSchema, latencySchema, reportBaseSchema } from './report.ts';

/** What `test/peers/detection_listener.py` prints. */
export const listenerReportSchema = z.strictObject({
  received: z.int().min(0),
  skipped: z.int().min(0),
  latencyMs: z.array(z.number()),
  arrivals: z.array(z.number()),
  stamps: z.array(z.number()),
  boxes: z.int().min(0),
  empty: z.int().min(0),
});

/** What the camera node writes to its `stamps_file`: seconds since the epoch of each frame it published. */
export const cameraStampsSchema = z.array(z.number());

/** One camera in another process at one rate into one detector, seen from a listener in a third. */
export const rosTrialSchema = z.strictObject({
  who: z.enum(['goshawk', 'python-peer']),
  /** frames a second asked of the camera */
  rate: z.number().positive(),
  seconds: z.number().positive(),
  sent: z.int().min(0),
  received: z.int().min(0),
  /** share of sent frames without a result at the listener, 0..1 */
  missedRatio: z.number().min(0).max(1),
  /** frames a second at the listener */
  fps: z.number().min(0),
  /** camera stamp to receipt in the listener */
  latencyMs: latencySchema,
  jitterMs: latencySchema,
  /** resident memory of the detector: medians of the first and last tenth of the measured time, peak since its start */
  rssBytes: z.strictObject({
    first: z.int().min(0),
    last: z.int().min(0),
    growthRatio: z.number(),
    peak: z.int().min(0),
  }),
  cpuSeconds: z.strictObject({
    camera: z.number().min(0),
    detector: z.number().min(0),
    listener: z.number().min(0),
  }),
  /** the detector's own accounting; null for the peer, which has none */
  frames: framesSchema.nullable(),
});

const settingsSchema = z.strictObject({
  bundle: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  detector: z.record(z.string(), z.string()),
});

export const rosBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-ros/1'),
  settings: settingsSchema,
  frames: framesSchema,
  fps: z.strictObject({ in: z.number().min(0), out: z.number().min(0) }),
  latencyMs: z.strictObject({ total: latencySchema, stages: z.record(z.string(), latencySchema) }),
  trial: rosTrialSchema,
  /** frames the camera published, from the first that came through, that the detector neither published nor declared as dropped */
  undeclared: z.int().min(0),
});

export const peersBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-peers/1'),
  settings: settingsSchema,
  /** share of missed frames up to which a rate counts as sustained */
  missedLimit: z.number(),
  peaks: z.array(
    z.strictObject({ goshawk: z.number().min(0), pythonPeer: z.number().min(0), ratio: z.number().min(0) }),
  ),
  /** median over the rounds */
  ratio: z.number().min(0),
  trials: z.array(rosTrialSchema),
});

export type ListenerReport = z.infer<typeof listenerReportSchema>;
export type RosTrial = z.infer<typeof rosTrialSchema>;
export type RosBenchReport = z.infer<typeof rosBenchReportSchema>;
export type PeersBenchReport = z.infer<typeof peersBenchReportSchema>;
