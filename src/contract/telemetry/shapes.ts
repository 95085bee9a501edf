import { z } from 'zod';

/** What several streams have in common. */

export const bundleReferenceSchema = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  variant: z.string(),
  provider: z.string(),
});

/** Facts about the machine. A field is absent if there is no sensor; none is ever made up. */
export const hostStatsSchema = z.object({
  /** busy share of all cores since the previous message, 0..1 */
  cpuRatio: z.number().min(0).max(1).optional(),
  memoryUsedBytes: z.int().min(0).optional(),
  memoryTotalBytes: z.int().min(0).optional(),
  /** by thermal zone */
  temperatureCelsius: z.record(z.string(), z.number()).optional(),
  /** by power rail */
  powerWatts: z.record(z.string(), z.number().min(0)).optional(),
  gpuRatio: z.number().min(0).max(1).optional(),
});

export type HostStats = z.infer<typeof hostStatsSchema>;

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
  edgesMs: z.array(z.number()).max(200),
  counts: z.array(z.int().min(0)).max(201),
  sumMs: z.number().min(0),
});
