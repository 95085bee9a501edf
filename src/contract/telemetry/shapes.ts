import { z } from 'zod';
import { nameSchema } from '../names.ts';
import { quantity } from '../quantities.ts';

/** What several streams have in common. */

export const bundleReferenceSchema = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  variant: z.string(),
  provider: z.string(),
});

/** The time that a message covers. */
export const windowSchema = z.object({
  start: z.iso.datetime({ precision: 3 }),
  end: z.iso.datetime({ precision: 3 }),
  /**
   * by how much the clock of the machine was set just before `start`, which follows the end of the window before
   * by that much; absent if it was not (since 1.3.0)
   */
  clockStepSeconds: quantity('clockStep').optional(),
});

/** Facts about the machine. A field is absent if there is no sensor; none is ever made up. */
export const hostStatsSchema = z.object({
  /** busy share of all cores since the previous message, 0..1 */
  cpuRatio: quantity('ratio').optional(),
  memoryUsedBytes: quantity('bytes').optional(),
  memoryTotalBytes: quantity('bytes').optional(),
  /** by thermal zone */
  temperatureCelsius: z.record(z.string(), quantity('celsius')).optional(),
  /** by power rail */
  powerWatts: z.record(z.string(), quantity('watts')).optional(),
  /**
   * current frequency of each kind of core, the mean of its cores: `cpu`, or by its first core where there are several
   * kinds (`cpu0`, `cpu4`); of the GPU `gpu` (since 1.4.0)
   */
  clockHertz: z.record(z.string(), quantity('hertz')).optional(),
  gpuRatio: quantity('ratio').optional(),
  /**
   * CPU of this process since the previous message by the work of its threads, in cores: `main`, `inference` (that of
   * processes included), `telemetry`, `ros`, `color`, `camera` (simulated), `other` (since 1.3.0)
   */
  cpuByThread: z.record(z.string(), quantity('cores')).optional(),
  /** of the file system on which telemetry waits (since 1.3.0) */
  diskFreeBytes: quantity('bytes').optional(),
  diskTotalBytes: quantity('bytes').optional(),
  /** bytes of messages that the broker took since the process began (since 1.3.0) */
  linkSentBytes: quantity('bytes').optional(),
});

export type HostStats = z.infer<typeof hostStatsSchema>;

/** Labels of a detector, from its operator. */
export const tagsSchema = z.record(z.string().max(32), z.string().max(64));

export type Tags = z.infer<typeof tagsSchema>;

/** Something that happened. Readers accept kinds that they do not know. */
export const eventSchema = z.object({
  kind: nameSchema,
  severity: z.enum(['info', 'warning', 'error']),
  camera: z.string().max(256).optional(),
  /** numbers of frames of that camera that it is about, counted from 0 since the model was loaded */
  frames: z.array(quantity('frame')).max(16).optional(),
  /** in words */
  text: z.string().max(500),
  values: z.record(nameSchema, z.union([quantity('named'), z.string().max(256)])),
  /** events of this kind and camera before it that were not sent, since there were too many */
  suppressed: quantity('events').optional(),
});

/**
 * Milliseconds; dense around one frame at 30 per second, and never changed, so that histograms of years can
 * be added.
 */
export const LATENCY_EDGES_MS: readonly number[] = [
  1, 2, 3, 5, 7.5, 10, 12.5, 15, 17.5, 20, 22.5, 25, 30, 33.4, 40, 50, 66.7, 100, 150, 200, 300, 500, 1000,
  2000, 5000,
];

/**
 * Fixed-edge histogram of milliseconds: `counts[i]` values in `(edges[i-1], edges[i]]`, the last count above
 * the last edge. The edges are the same everywhere, so windows and robots add up exactly.
 */
export const latencyHistogramSchema = z.object({
  edgesMs: z.array(quantity('milliseconds')).max(200),
  counts: z.array(quantity('frames')).max(201),
  sumMs: quantity('totalMilliseconds'),
});
