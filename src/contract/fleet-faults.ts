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
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** What may be weakened on purpose, to show that the check finds it. */
export const WEAKNESSES = ['early-acks', 'no-sync'] as const;

export type Weakness = (typeof WEAKNESSES)[number];

const count = z.int().min(0);

/** Numbers of one stream and boot that are neither stored nor declared lost. */
const missingSchema = z.strictObject({
  stream: z.string(),
  bootId: z.string(),
  ranges: z.array(z.tuple([count, count])),
});

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
  /** lost and declared, not stored */
  declared: count,
  /** `produced - stored - declared` */
  undeclaredHoles: count,
  /** numbers that are stored more than once */
  duplicates: count,
  /** whether the robot had nothing left to deliver at the end */
  isSettled: z.boolean(),
  missing: z.array(missingSchema),
});

export type FleetFaultsReport = z.infer<typeof fleetFaultsSchema>;
