import { z } from 'zod';

/** What `goshawk fleet faults` does to a robot, its network, its broker, and the fleet's end. */
export const FAULT_KINDS = [
  'robot-kill',
  'robot-power-cut',
  'robot-disk-full',
  'robot-clock',
  'network-cut',
  'network-delay',
  'broker-kill',
  'broker-wipe',
  'ingestor-kill',
  'database-kill',
  /** the ingestor and its database, with what the database had not synced */
  'fleet-power-cut',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** What may be weakened on purpose, to show that the check finds it. */
export const WEAKNESSES = ['early-acks', 'no-sync', 'lying-disk'] as const;

export type Weakness = (typeof WEAKNESSES)[number];

const count = z.int().min(0);

/** Numbers of one stream and boot that are neither stored, nor in quarantine, nor declared lost. */
export const missingSchema = z.strictObject({
  stream: z.string(),
  bootId: z.string(),
  ranges: z.array(z.tuple([count, count])),
});

/** Milliseconds from a frame's receipt to its results. */
const stretchSchema = z.strictObject({ count, p50Ms: z.number().min(0), p99Ms: z.number().min(0) });

/** Latency of the frames of the robot's camera, without those of its first seconds after each start. */
const frameLatencySchema = z.strictObject({
  /** while nothing is broken */
  unfaulted: stretchSchema,
  /** from the first fault of a phase to the last */
  faulted: stretchSchema,
  /** faulted / unfaulted; null without unfaulted frames */
  p99Ratio: z.number().min(0).nullable(),
  /**
   * During as many faults of network, broker and fleet while the robot had no telemetry: what processes that end and
   * start on the same machine cost by themselves. Null unless the robot's process went on.
   */
  control: stretchSchema.nullable(),
  /** faulted / control: what telemetry adds during faults; null without control */
  controlP99Ratio: z.number().min(0).nullable(),
});

export type FrameLatency = z.infer<typeof frameLatencySchema>;

/** Report of `goshawk fleet faults`. */
export const fleetFaultsSchema = z.strictObject({
  schema: z.literal('goshawk.fleet-faults/1'),
  startedAt: z.iso.datetime(),
  seconds: z.number().min(0),
  seed: count,
  /** null unless the run was weakened on purpose */
  weakened: z.enum(WEAKNESSES).nullable(),
  faults: count,
  faultsByKind: z.partialRecord(z.enum(FAULT_KINDS), count),
  /** starts of the robot's process */
  boots: count,
  /** numbers by what the robot's process wrote down, or by what the database knows of */
  produced: count,
  stored: count,
  /** whole in quarantine, not stored */
  quarantined: count,
  /** lost and declared, neither stored nor in quarantine */
  declared: count,
  /** `produced - stored - quarantined - declared` */
  undeclaredHoles: count,
  /** numbers that are stored more than once */
  duplicates: count,
  /** null without a camera */
  frames: frameLatencySchema.nullable(),
  /** whether the robot had nothing left to deliver at the end */
  isSettled: z.boolean(),
  missing: z.array(missingSchema),
});

export type FleetFaultsReport = z.infer<typeof fleetFaultsSchema>;
