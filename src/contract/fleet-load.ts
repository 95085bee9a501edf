import { z } from 'zod';
import { missingSchema } from './fleet-faults.ts';
import { hostSchema, latencySchema } from './report.ts';

/** What `--kill` kills. */
export const KILLED_PARTS = ['broker', 'ingestor'] as const;

const count = z.int().min(0);
const rate = z.number().min(0);

/** What one process used of the machine while it was measured. */
const usageSchema = z.strictObject({
  /** `client`, `broker 1`, `ingestor 1`, `database` */
  name: z.string(),
  cpuSeconds: z.number().min(0),
  /** of a core */
  cpuRatio: z.number().min(0),
  /** CPU of this process for each message that was committed, microseconds; null if there was none */
  cpuMicrosecondsPerMessage: z.number().min(0).nullable(),
  /** highest since it began; null if unknown, and for the database, whose processes share memory */
  peakResidentBytes: count.nullable(),
});

/** Messages through brokers and ingestors into the database. */
const throughputSchema = z.strictObject({
  /** asked for; null: as many as were acknowledged */
  askedPerSecond: rate.nullable(),
  /** CPU that each ingestor was held to, of a core; null: all that it gets */
  ingestorCpu: z.number().gt(0).nullable(),
  /** published and not acknowledged, at most; in messages */
  window: count,
  /** of a payload, on average */
  payloadBytes: rate,
  seconds: z.number().gt(0),
  published: count,
  /** acknowledged by the fleet, which it does after the commit */
  acknowledged: count,
  resent: count,
  publishedPerSecond: rate,
  acknowledgedPerSecond: rate,
  /** growth of the database, and of its write-ahead log, for each message that was committed; null if there was none */
  databaseBytesPerMessage: z.number().nullable(),
  walBytesPerMessage: z.number().nullable(),
  /** from publishing to the acknowledgement */
  ackMs: latencySchema,
  processes: z.array(usageSchema),
  /** the process with the highest `cpuRatio` */
  busiest: z.string(),
  /** the same brokers without an ingestor: messages through them to a client that only counts; null if not measured */
  bareBrokerPerSecond: rate.nullable(),
  /** the same database without an ingestor: rows of the same payloads by COPY; null if not measured */
  bareCopyPerSecond: rate.nullable(),
});

/** Parts that were killed and started again while real senders published. */
const killsSchema = z.strictObject({
  seed: count,
  kills: count,
  killsByPart: z.partialRecord(z.enum(KILLED_PARTS), count),
  /** connections that robots made to another broker than their first */
  failovers: count,
});

/** All robots lost their broker at the same moment, and came back. */
const returnSchema = z.strictObject({
  /** what the pauses of robots were divided by; 1 is that of real ones */
  haste: z.number().min(1),
  /** how long the broker was away */
  awaySeconds: z.number().min(0),
  /** from the start of the broker until the last robot was connected, and until the fleet had stored its state */
  secondsToConnect: z.number().min(0),
  secondsToLive: z.number().min(0),
  /** accepted connections in the second with the most of them */
  peakConnectsPerSecond: count,
  /** attempts that failed, of all robots */
  failedAttempts: count,
  ingestorPeakBytes: count.nullable(),
  brokerPeakBytes: count.nullable(),
  /** a new ingestor subscribes, and gets the births that the broker retains */
  retained: z.strictObject({
    births: count,
    /** robots that the new ingestor knows to be connected */
    known: count,
    seconds: z.number().min(0),
    ingestorPeakBytes: count.nullable(),
  }),
});

/** Report of `goshawk fleet load`. */
export const fleetLoadSchema = z.strictObject({
  schema: z.literal('goshawk.fleet-load/1'),
  startedAt: z.iso.datetime(),
  seconds: z.number().min(0),
  host: hostSchema,
  robots: count,
  brokers: count,
  ingestors: count,
  /** null unless it was measured */
  throughput: throughputSchema.nullable(),
  /** null unless parts were killed */
  kills: killsSchema.nullable(),
  /** null unless robots had to return */
  returned: returnSchema.nullable(),
  /** numbers by what the robots made, or by what the database knows of */
  produced: count,
  stored: count,
  quarantined: count,
  declared: count,
  /** `produced - stored - quarantined - declared` */
  undeclaredHoles: count,
  duplicates: count,
  /** whether no robot had anything left to deliver at the end */
  isSettled: z.boolean(),
  missing: z.array(missingSchema),
});

export type FleetLoadReport = z.infer<typeof fleetLoadSchema>;
export type Throughput = NonNullable<FleetLoadReport['throughput']>;
export type ProcessUsage = Throughput['processes'][number];
