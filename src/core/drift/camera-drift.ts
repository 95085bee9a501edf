import { addCounts, type FeatureCounts } from './feature-counts.ts';
import type { AccuracyEstimate } from './window-accuracy.ts';
import { newerVerdict, type WindowVerdict } from './window-verdict.ts';

/** Sums of consistency and reliability (`box-agreement.ts`) over frames, in millionths. */
export interface Agreement {
  /** over the kept boxes, and their number: C = `sum` / 1e6 / `n` */
  readonly consistency: { readonly sum: number; readonly n: number };
  /** weights of suppressed boxes: R = `reliable` / `total` */
  readonly reliability: { readonly reliable: number; readonly total: number };
  /** of kept boxes above 0.3, and their number; absent in windows of earlier versions */
  readonly score?: { readonly sum: number; readonly n: number } | undefined;
}

/** Accuracy over the newest labeled frames, as it travels. */
interface WindowLabeled {
  /** when it was computed, ISO 8601 */
  readonly at: string;
  readonly frames: number;
  readonly objects: number;
  readonly ap: number | null;
  readonly ap50: number | null;
}

/** What one camera showed in a window. */
export interface CameraDrift {
  readonly camera: string;
  /** published frames that were measured; 0 for a camera that was silent */
  readonly frames: number;
  /** of these, frames that were resized inside the graph: another resize, which sharpness and noise show */
  readonly inGraph: number;
  /** published frames that were not measured */
  readonly unmeasured: number;
  /** of `frames` and `unmeasured`: those of a window that was over, and those with the stamp of one before */
  readonly late: number;
  readonly duplicate: number;
  /** by name; a feature without a value is absent */
  readonly features: Readonly<Record<string, FeatureCounts>>;
  /** published boxes by label */
  readonly classes: Readonly<Record<string, number>>;
  /** null if nothing was suppressed outside of the graph: the head has no suppression, or there was no frame */
  readonly agreement: Agreement | null;
  /** whether the input changed against a reference; absent without one */
  readonly verdict?: WindowVerdict | undefined;
  /** how well the model sees, without labels; absent in windows of earlier versions */
  readonly accuracy?: AccuracyEstimate | undefined;
  /** how well the model saw where labels came; absent without labels */
  readonly labeled?: WindowLabeled | undefined;
}

/**
 * Two windows of one camera as one, in any order: counts and sums are whole numbers. Both must be of the same table of
 * features.
 */
export function addCameras(one: CameraDrift, other: CameraDrift): CameraDrift {
  const verdict = newerVerdict(one.verdict, other.verdict);
  const accuracy = newerVerdict(one.accuracy, other.accuracy);
  const labeled = newerVerdict(one.labeled, other.labeled);
  return {
    camera: one.camera,
    frames: one.frames + other.frames,
    inGraph: one.inGraph + other.inGraph,
    unmeasured: one.unmeasured + other.unmeasured,
    late: one.late + other.late,
    duplicate: one.duplicate + other.duplicate,
    features: addRecords(one.features, other.features, addCounts),
    classes: addRecords(one.classes, other.classes, (a, b) => a + b),
    agreement: addAgreements(one.agreement, other.agreement),
    ...(verdict === undefined ? {} : { verdict }),
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(labeled === undefined ? {} : { labeled }),
  };
}

/** Windows of several cameras: those of the same camera are added. Sorted by camera. */
export function mergeCameras(one: readonly CameraDrift[], other: readonly CameraDrift[]): CameraDrift[] {
  const cameras = new Map<string, CameraDrift>();
  for (const drift of [...one, ...other]) {
    const known = cameras.get(drift.camera);
    cameras.set(drift.camera, known === undefined ? drift : addCameras(known, drift));
  }
  return [...cameras.values()].sort((a, b) => (a.camera < b.camera ? -1 : 1));
}

function addRecords<T>(
  one: Readonly<Record<string, T>>,
  other: Readonly<Record<string, T>>,
  add: (a: T, b: T) => T,
): Record<string, T> {
  const sums = new Map(Object.entries(one));
  for (const [key, value] of Object.entries(other)) {
    const known = sums.get(key);
    sums.set(key, known === undefined ? value : add(known, value));
  }
  return Object.fromEntries(sums);
}

function addAgreements(one: Agreement | null, other: Agreement | null): Agreement | null {
  if (one === null || other === null) return one ?? other;
  const score =
    one.score === undefined || other.score === undefined ? undefined : addMeans(one.score, other.score);
  return {
    consistency: addMeans(one.consistency, other.consistency),
    reliability: {
      reliable: one.reliability.reliable + other.reliability.reliable,
      total: one.reliability.total + other.reliability.total,
    },
    ...(score === undefined ? {} : { score }),
  };
}

type MeanSums = Agreement['consistency'];

function addMeans(one: MeanSums, other: MeanSums): MeanSums {
  return { sum: one.sum + other.sum, n: one.n + other.n };
}
