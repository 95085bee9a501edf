import { LATENCY_EDGES_MS } from '../../contract/telemetry/shapes.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { addDrops, type CameraRollup } from '../../core/rollup/camera-rollup.ts';
import type { HostRollup, Spread } from '../../core/rollup/host-rollup.ts';
import { cameraName, MAX_NAMES, OTHERS, timesOf } from './window-times.ts';

export type Window = StreamBody<'metrics'>;
type Camera = Window['cameras'][number];

/** A window as the rollups of its cameras: one for each, in the order of the window. */
export function camerasOf(window: Window): readonly (readonly [string, CameraRollup])[] {
  const { coveredMs, untilMs } = timesOf(window.window);
  return window.cameras.map((camera, at) => [
    cameraName(camera.camera, at),
    {
      coveredMs,
      untilMs,
      received: camera.received,
      published: camera.published,
      drops: dropsOf(camera),
      latency: latencyOf(camera),
    },
  ]);
}

/** The machine as a window has it. */
export function hostOf(window: Window): HostRollup {
  const times = timesOf(window.window);
  const { cpuRatio, memoryUsedBytes, memoryTotalBytes, gpuRatio, powerWatts } = window.host;
  const rails = Object.values(powerWatts ?? {});
  const all: Readonly<Record<string, number | undefined>> = {
    cpuRatio,
    gpuRatio,
    memoryUsedBytes,
    memoryTotalBytes,
    residentBytes: window.process.residentBytes,
    temperatureCelsius: hottestOf(window) ?? undefined,
    powerWatts: rails.length === 0 ? undefined : rails.reduce((sum, one) => sum + one, 0),
  };
  const weight = Math.max(1, times.coveredMs);
  const spread = (value: number): Spread => ({ weight, sum: value * weight, min: value, max: value });
  const known = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, spread(value)] as const],
  );
  return { ...times, values: Object.fromEntries(known) };
}

/** The highest temperature, °C; null if none is known. */
export function hottestOf({ host: { temperatureCelsius } }: Window): number | null {
  const all = Object.values(temperatureCelsius ?? {});
  return all.length === 0 ? null : Math.max(...all);
}

function dropsOf({ drops }: Camera): Record<string, number> {
  const reasons = Object.entries(drops).filter(([, count]) => count > 0);
  return addDrops(reasons.map(([reason, count], at) => ({ [at < MAX_NAMES ? reason : OTHERS]: count })));
}

/** Histograms with other edges cannot be added. */
function latencyOf({ latency }: Camera): CameraRollup['latency'] {
  const edgesMs = LATENCY_EDGES_MS;
  const isSame =
    latency.edgesMs.length === edgesMs.length && edgesMs.every((edge, at) => edge === latency.edgesMs[at]);
  const counts = [...edgesMs, Infinity].map((_edge, at) => (isSame ? (latency.counts[at] ?? 0) : 0));
  return { edgesMs, counts, sumMs: isSame ? latency.sumMs : 0 };
}
