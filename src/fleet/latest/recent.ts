import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { LATENCY_EDGES_MS } from '../../contract/telemetry/shapes.ts';
import { addCameraRollups, addDrops, type CameraRollup } from '../../core/rollup/camera-rollup.ts';
import { camerasOf, hottestOf } from '../rollup/of-window.ts';
import { timesOf } from '../rollup/window-times.ts';
import type { Summary } from '../store/latest-rows.ts';
import { packCounts, type PackedWindow } from '../store/packed-window.ts';

/** A minute of windows. */
const MAX_WINDOWS = 6;
/** Older ones say nothing of now. */
const MAX_AGE_MS = 120_000;

/** @param message its id, and when it was received, ms since the epoch */
export function recentOf(
  window: StreamBody<'metrics'>,
  { id, atMs }: { readonly id: string; readonly atMs: number },
): PackedWindow {
  const cameras = camerasOf(window).map(([, rollup]) => rollup);
  const sum: CameraRollup | null = addCameraRollups(cameras);
  const { coveredMs } = timesOf(window.window);
  const { received = 0, published = 0, drops = {} } = sum ?? {};
  const latency = packCounts(sum?.latency.counts ?? []);
  return [id, atMs, coveredMs, cameras.length, received, published, drops, ...latency, hottestOf(window)];
}

/** The newest of some windows, each once, the newest first. */
export function newestOf(windows: readonly PackedWindow[]): readonly PackedWindow[] {
  // of one that was received twice, the first receipt counts
  const newestFirst = [...windows].sort(byTime);
  const sorted = [...new Map(newestFirst.map((one) => [one[0], one])).values()];
  sorted.sort(byTime);
  const newestMs = sorted[0]?.[1] ?? 0;
  return sorted.filter(([, atMs]) => newestMs - atMs < MAX_AGE_MS).slice(0, MAX_WINDOWS);
}

function byTime([, one]: PackedWindow, [, other]: PackedWindow): number {
  return other - one;
}

/** Windows of one detector as one; null if there is none. */
export function sumWindows(windows: readonly PackedWindow[]): Summary | null {
  const [newest] = windows;
  if (newest === undefined) return null;
  const [id, atMs, , cameras] = newest;
  const latency = new Array<number>(LATENCY_EDGES_MS.length + 1).fill(0);
  const sum = { ms: 0, received: 0, published: 0 };
  for (const [, , ms, , received, published, , first, counts] of windows) {
    sum.ms += ms;
    sum.received += received;
    sum.published += published;
    counts.forEach((count, at) => (latency[first + at] = (latency[first + at] ?? 0) + count));
  }
  const drops = addDrops(windows.map(([, , , , , , one]) => one));
  return { id, atMs, ...sum, cameras, drops, latency, temperatureCelsius: newest[9] };
}

/** Whether a summary says something of now. */
export function isCurrent({ atMs }: Summary, nowMs: number): boolean {
  return nowMs - atMs < MAX_AGE_MS;
}
