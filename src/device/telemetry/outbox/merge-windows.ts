import { withinRange } from '../../../contract/quantities.ts';
import { bodySchemaOf } from '../../../contract/telemetry/payloads.ts';
import { MAX_DRIFT_BYTES } from '../../../contract/telemetry/drift.ts';
import type { StreamBody } from '../../../contract/telemetry/streams.ts';
import { mergeCameras } from '../../../core/drift/camera-drift.ts';
import { addHistograms } from '../../../core/edge-histogram.ts';

type MetricsBody = StreamBody<'metrics'>;
type DriftBody = StreamBody<'drift'>;
type CameraStats = MetricsBody['cameras'][number];

/** Whether two windows can become one: the second follows the first, and the same model ran in both. */
function areNeighbors(older: MetricsBody | DriftBody, newer: MetricsBody | DriftBody): boolean {
  return (
    older.window.end === newer.window.start &&
    newer.window.clockStepSeconds === undefined &&
    JSON.stringify(older.bundle) === JSON.stringify(newer.bundle)
  );
}

/**
 * One window for two that touch; null if they do not, or are of different models. Counts and histograms add up exactly;
 * rates are weighted by the length of the windows; of what is a state (frames in flight, the machine) the newer one is
 * kept, of peaks the higher one.
 */
export function mergeMetrics(older: MetricsBody, newer: MetricsBody): MetricsBody | null {
  if (!areNeighbors(older, newer)) return null;
  const seconds = [older, newer].map(
    ({ window }) => (Date.parse(window.end) - Date.parse(window.start)) / 1000,
  );
  const [before = 0, after = 0] = seconds.map((length) => Math.max(0, length));
  const cameras = new Map(
    older.cameras.map((stats) => [stats.camera, weighted(stats, before, before + after)]),
  );
  for (const stats of newer.cameras) {
    const late = weighted(stats, after, before + after);
    const early = cameras.get(stats.camera);
    cameras.set(stats.camera, early === undefined ? late : addStats(early, late));
  }
  return {
    window: { ...older.window, end: newer.window.end },
    bundle: newer.bundle,
    cameras: [...cameras.values()],
    process: {
      residentBytes: Math.max(older.process.residentBytes, newer.process.residentBytes),
      eventLoopDelayP99Ms: Math.max(older.process.eventLoopDelayP99Ms, newer.process.eventLoopDelayP99Ms),
    },
    host: newer.host,
  };
}

/**
 * The same for windows of drift, of which all adds up if they have the same table of features. Null also if both are
 * more than one message takes: other cameras, or sums beyond whole numbers.
 */
export function mergeDrift(older: DriftBody, newer: DriftBody): DriftBody | null {
  if (!areNeighbors(older, newer) || older.table !== newer.table) return null;
  const merged = {
    window: { ...older.window, end: newer.window.end },
    bundle: newer.bundle,
    table: newer.table,
    cameras: mergeCameras(older.cameras, newer.cameras),
  };
  return fitsDriftMessage(merged) ? merged : null;
}

function fitsDriftMessage(body: DriftBody): boolean {
  return (
    Buffer.byteLength(JSON.stringify(body)) <= MAX_DRIFT_BYTES &&
    bodySchemaOf('drift').safeParse(body).success
  );
}

/** Rates as shares of a longer window. */
function weighted(stats: CameraStats, seconds: number, ofSeconds: number): CameraStats {
  const share = ofSeconds > 0 ? seconds / ofSeconds : 0;
  return { ...stats, fps: { in: stats.fps.in * share, out: stats.fps.out * share } };
}

function addStats(a: CameraStats, b: CameraStats): CameraStats {
  const drops = new Map(Object.entries(a.drops));
  for (const [reason, count] of Object.entries(b.drops)) drops.set(reason, (drops.get(reason) ?? 0) + count);
  return {
    camera: a.camera,
    received: a.received + b.received,
    published: a.published + b.published,
    drops: Object.fromEntries(drops),
    inFlight: b.inFlight,
    // Shares that were rounded may add up to a little more than the highest rate: a rounding, so nobody is told.
    fps: { in: addRates(a.fps.in, b.fps.in), out: addRates(a.fps.out, b.fps.out) },
    late: (a.late ?? 0) + (b.late ?? 0),
    duplicate: (a.duplicate ?? 0) + (b.duplicate ?? 0),
    latency: {
      ...addHistograms([b.latency, a.latency]),
      sumMs: a.latency.sumMs + b.latency.sumMs,
    },
  };
}

const addRates = (a: number, b: number): number => withinRange('framesPerSecond', a + b);
