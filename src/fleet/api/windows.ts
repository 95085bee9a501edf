import type { HistoryPoint, MergedLatency, RobotSummary } from '../../contract/fleet/api.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { addHistograms, countOf, percentileOf } from '../../core/edge-histogram.ts';

export type Window = StreamBody<'metrics'>;
type Camera = Window['cameras'][number];

/** Percentiles of frames of all windows: histograms are added, percentiles never averaged. */
export function latencyOf(windows: readonly Window[]): MergedLatency | null {
  const histogram = addHistograms(camerasOf(windows).map(({ latency }) => latency));
  const count = countOf(histogram);
  if (count === 0) return null;
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => percentileOf(histogram, share));
  return { count, p50: p50 ?? 0, p90: p90 ?? 0, p99: p99 ?? 0 };
}

/** Frames dropped in the windows, by reason. */
export function dropsOf(windows: readonly Window[]): Record<string, number> {
  // no prototype: a reason may have any name
  const drops = Object.create(null) as Record<string, number>;
  for (const camera of camerasOf(windows))
    for (const [reason, count] of Object.entries(camera.drops))
      if (count > 0) drops[reason] = (drops[reason] ?? 0) + count;
  return drops;
}

/** Frames a second in the windows of one detector. */
export function fpsOf(windows: readonly Window[]): RobotSummary['fps'] {
  const seconds = windows.reduce((sum, window) => sum + secondsOf(window), 0);
  if (seconds === 0) return null;
  return {
    in: framesOf(windows, ({ received }) => received) / seconds,
    out: framesOf(windows, ({ published }) => published) / seconds,
  };
}

/** Windows in pieces of a time, in order. */
export function historyOf(windows: readonly Window[], stepSeconds: number): HistoryPoint[] {
  const stepMs = stepSeconds * 1_000;
  const pieces = new Map<number, Window[]>();
  for (const window of windows) {
    const startMs = Math.floor(Date.parse(window.window.start) / stepMs) * stepMs;
    pieces.set(startMs, [...(pieces.get(startMs) ?? []), window]);
  }
  return [...pieces]
    .sort(([one], [other]) => one - other)
    .map(([startMs, piece]) => ({
      start: new Date(startMs).toISOString(),
      seconds: stepSeconds,
      received: framesOf(piece, ({ received }) => received),
      published: framesOf(piece, ({ published }) => published),
      drops: dropsOf(piece),
      latencyMs: latencyOf(piece),
    }));
}

function camerasOf(windows: readonly Window[]): readonly Camera[] {
  return windows.flatMap(({ cameras }) => cameras);
}

function framesOf(windows: readonly Window[], count: (camera: Camera) => number): number {
  return camerasOf(windows).reduce((sum, camera) => sum + count(camera), 0);
}

function secondsOf({ window: { start, end } }: Window): number {
  return Math.max(0, (Date.parse(end) - Date.parse(start)) / 1_000);
}
