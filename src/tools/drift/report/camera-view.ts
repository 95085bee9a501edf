import type { DriftReference } from '../../../contract/drift-reference.ts';
import type { StreamBody } from '../../../contract/telemetry/streams.ts';
import { addCameras, type CameraDrift } from '../../../core/drift/camera-drift.ts';
import { FeatureHistogram, type FeatureCounts } from '../../../core/drift/feature-counts.ts';
import {
  FEATURE_NAMES,
  FEATURE_TABLE_VERSION,
  IMAGE_FEATURES,
  type FeatureName,
} from '../../../core/drift/features.ts';
import { summaryOf } from '../../../core/drift/summary.ts';
import { effectBetween, type WindowEffect } from '../../../core/drift/window-effects.ts';
import type { DriftState } from '../../../core/drift/window-verdict.ts';
import type { DriftHistory, StateChange } from './history.ts';

type DriftBody = StreamBody<'drift'>;

/** A window of one camera. */
export interface ViewedWindow {
  /** milliseconds since the epoch */
  readonly startMs: number;
  readonly endMs: number;
  readonly drift: CameraDrift;
  /** null without a verdict */
  readonly state: DriftState | null;
  readonly consistency: number | null;
  readonly reliability: number | null;
}

/** A feature now and in comparison. */
export interface FeatureView {
  readonly name: FeatureName;
  readonly now: FeatureCounts;
  /** null if there is nothing to compare with */
  readonly reference: FeatureCounts | null;
  readonly effect: WindowEffect | null;
  /** what it is compared with */
  readonly against: 'reference' | 'earlier' | null;
}

/** What a page shows of a camera. */
export interface ReportedCamera {
  readonly camera: string;
  /** oldest first */
  readonly windows: readonly ViewedWindow[];
  readonly changes: readonly StateChange[];
  /** of the newest window with a verdict */
  readonly state: DriftState | null;
  readonly worst: DriftState | null;
  /** windows that are `now`: those that are not `ok`, or all if none is */
  readonly now: readonly ViewedWindow[];
  /** windows that they are compared with if the reference lacks a feature: those that are `ok` */
  readonly earlier: readonly ViewedWindow[];
  /** strongest effect first */
  readonly features: readonly FeatureView[];
  /** published boxes of a label in a frame, now and earlier; null without frames */
  readonly classes: readonly {
    readonly label: string;
    readonly now: number | null;
    readonly earlier: number | null;
  }[];
}

/** Features whose values in an observation are those that windows count: one a frame. */
const SHARED: readonly FeatureName[] = [...IMAGE_FEATURES, 'boxes', 'candidates'];

const SEVERITY: readonly (DriftState | null)[] = [null, 'ok', 'recovering', 'suspect', 'drifted'];

/** Cameras by name. */
export function reportCameras(history: DriftHistory, reference: DriftReference | null): ReportedCamera[] {
  const names = new Set(history.windows.flatMap(({ cameras }) => cameras.map(({ camera }) => camera)));
  return [...names].sort().map((camera) => reportCamera(camera, history, reference));
}

function reportCamera(
  camera: string,
  history: DriftHistory,
  reference: DriftReference | null,
): ReportedCamera {
  const windows = history.windows.flatMap((body) => viewWindow(body, camera));
  const changed = windows.filter(({ state }) => state !== null && state !== 'ok');
  const now = changed.length > 0 ? changed : windows;
  const earlier = changed.length > 0 ? windows.filter(({ state }) => state === 'ok') : [];
  const [current, before] = [sumOf(now), sumOf(earlier)];
  const declared = reference !== null && appliesTo(reference, camera, history) ? reference : null;
  const features = current === null ? [] : featuresOf(current, before, declared);
  return {
    camera,
    windows,
    changes: history.changes.filter((change) => change.camera === camera),
    state: windows.findLast(({ state }) => state !== null)?.state ?? null,
    worst: worstOf(windows.map(({ state }) => state)),
    now,
    earlier,
    features,
    classes: classesOf(current, before),
  };
}

/** What a bundle finds says nothing of what another one should find. */
function appliesTo(reference: DriftReference, camera: string, { windows }: DriftHistory): boolean {
  const isOther = windows.some(({ bundle }) => bundle !== null && bundle.digest !== reference.bundle.digest);
  return !isOther && (reference.camera === null || reference.camera === camera);
}

function viewWindow({ window, table, cameras }: DriftBody, camera: string): ViewedWindow[] {
  return cameras
    .filter((one) => one.camera === camera)
    .map((one) => {
      // histograms of another table have other edges
      const drift = table === FEATURE_TABLE_VERSION ? one : { ...one, features: {} };
      const { consistency, reliability } = summaryOf(drift);
      return {
        startMs: Date.parse(window.start),
        endMs: Date.parse(window.end),
        drift,
        state: one.verdict?.state ?? null,
        consistency,
        reliability,
      };
    });
}

function worstOf(states: readonly (DriftState | null)[]): DriftState | null {
  return SEVERITY[Math.max(0, ...states.map((state) => SEVERITY.indexOf(state)))] ?? null;
}

function sumOf(windows: readonly ViewedWindow[]): CameraDrift | null {
  return windows.reduce<CameraDrift | null>(
    (sum, { drift }) => (sum === null ? drift : addCameras(sum, drift)),
    null,
  );
}

function featuresOf(
  now: CameraDrift,
  earlier: CameraDrift | null,
  reference: DriftReference | null,
): FeatureView[] {
  const views = FEATURE_NAMES.flatMap((name): FeatureView[] => {
    const current = now.features[name];
    if (current === undefined) return [];
    const declared = reference === null ? null : countsIn(reference, name);
    const before = declared ?? earlier?.features[name] ?? null;
    const against = before === null ? null : declared === null ? 'earlier' : 'reference';
    const effect = before === null ? null : effectBetween(name, current, before);
    return [{ name, now: current, reference: before, effect, against }];
  });
  return views.sort((a, b) => (b.effect?.wasserstein ?? -1) - (a.effect?.wasserstein ?? -1));
}

/** The histogram of a feature over all contexts; null if observations of it are no values of windows. */
function countsIn({ contexts }: DriftReference, name: FeatureName): FeatureCounts | null {
  if (!SHARED.includes(name)) return null;
  const histogram = new FeatureHistogram(name);
  for (const { columns } of contexts)
    for (const value of columns[name as keyof typeof columns] ?? []) histogram.note(value ?? NaN);
  return histogram.read();
}

function classesOf(now: CameraDrift | null, earlier: CameraDrift | null): ReportedCamera['classes'] {
  const labels = new Set([now, earlier].flatMap((drift) => Object.keys(drift?.classes ?? {})));
  const rate = (drift: CameraDrift | null, label: string): number | null => {
    const frames = drift === null ? 0 : drift.frames + drift.unmeasured;
    return frames === 0 ? null : (drift?.classes[label] ?? 0) / frames;
  };
  return [...labels]
    .map((label) => ({ label, now: rate(now, label), earlier: rate(earlier, label) }))
    .sort((a, b) => (b.now ?? 0) - (a.now ?? 0));
}
