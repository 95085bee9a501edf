import { GoshawkError } from '../../contract/errors.ts';
import type { DriftReference, DriftReferenceSettings } from '../../contract/drift-reference.ts';
import type { BundleRef } from '../../contract/report.ts';
import { FEATURE_TABLE_VERSION } from '../../core/drift/features.ts';
import { OBSERVED_VERSION } from '../../core/drift/observe/observed.ts';
import { makeFeatures } from '../../core/drift/reference/make-features.ts';
import { columnsWithoutBoxes } from '../../core/drift/observe/without-boxes.ts';
import { contextOf } from '../../core/drift/reference/observations.ts';
import type { DriftSummary } from '../../core/drift/summary.ts';
import { createRandom } from '../../core/random.ts';
import { mismatchOf, type OpenReference } from '../../device/drift/open-reference.ts';
import { otherKindError } from '../../device/drift/frame-kind.ts';
import { settingsMismatch } from '../../device/drift/reference-settings.ts';
import type { PreprocessMode } from '../../device/pipeline/frame/preprocess-mode.ts';

/** Observations of a context, at least. */
const MIN_OBSERVATIONS = 60;
/** The bootstrap is the same for the same observations. */
const SEED = 1;

export interface NewContext {
  readonly name: string;
  /** observations, one a second */
  readonly rows: readonly Float64Array[];
  /** means of all frames */
  readonly measures?: DriftSummary;
  /** observations by the way in which their frames were resized */
  readonly preprocess?: Readonly<Record<PreprocessMode, number>>;
}

/** What a reference is of. */
export interface ReferenceOf {
  readonly bundle: BundleRef;
  /** null for any */
  readonly camera: string | null;
  /** of the detector that observed */
  readonly settings: DriftReferenceSettings;
}

/**
 * A reference of one context, or with `merge` one more: bins, probabilities and discounts are computed anew over the
 * observations of all contexts. A context of the same name is replaced.
 * @throws GoshawkError GOSHAWK_DRIFT_REFERENCE_SHORT, and GOSHAWK_DRIFT_REFERENCE_MISMATCH for a reference of another
 * bundle or camera, or one that was made with other settings
 */
export function makeReference(
  { bundle, camera, settings }: ReferenceOf,
  { name, rows, ...measured }: NewContext,
  merge: OpenReference | null,
): DriftReference {
  requireObservations(name, rows.length);
  const mismatch =
    merge === null
      ? null
      : (mismatchOf(merge, camera ?? '', bundle.digest) ?? otherSettings(merge, settings));
  if (mismatch !== null) throw mismatch;
  const others = (merge?.reference.contexts ?? []).filter((context) => context.name !== name);
  const context = { name, ...contextOf(rows), ...measured };
  const contexts = [...others, context];
  const features = makeFeatures(contexts, createRandom(SEED));
  const imageContexts = contexts.map((one) => ({ ...one, columns: columnsWithoutBoxes(one.columns) }));
  const withoutBoxes = makeFeatures(imageContexts, createRandom(SEED));
  const reference = {
    schema: 'goshawk.drift-reference/3',
    madeAt: new Date().toISOString(),
    table: FEATURE_TABLE_VERSION,
    observed: OBSERVED_VERSION,
    bundle,
    camera,
    settings: merge === null ? settings : mergeSettings(merge.reference.settings, settings),
    features,
    withoutBoxes,
    contexts,
  } as const;
  return reference as unknown as DriftReference;
}

/** Refuses a context that is too short. @throws GoshawkError GOSHAWK_DRIFT_REFERENCE_SHORT */
export function requireObservations(context: string, count: number): void {
  if (count >= MIN_OBSERVATIONS) return;
  throw new GoshawkError('GOSHAWK_DRIFT_REFERENCE_SHORT', { context, count, least: MIN_OBSERVATIONS });
}

/** Of contexts that may stand side by side. Images say nothing of tracks, nor of how a camera's frames come. */
function mergeSettings(
  before: DriftReferenceSettings,
  { frames, tracking, ...limits }: DriftReferenceSettings,
): DriftReferenceSettings {
  // what an earlier version made of a camera does not state it, so the whole does not
  const stated = tracking === null || before.tracking !== null ? before.frames : frames;
  return {
    ...limits,
    tracking: tracking ?? before.tracking,
    ...(stated === undefined ? {} : { frames: stated }),
  };
}

/**
 * Contexts of one reference are compared with each other, so boxes and texture of all must have come about alike.
 */
function otherSettings(open: OpenReference, settings: DriftReferenceSettings): GoshawkError | null {
  const { frames } = settings;
  const made = open.reference.settings.frames;
  if (frames !== undefined && made !== undefined && frames !== made)
    return otherKindError(open.file, made, frames);
  // images say nothing of tracks
  const tracking = settings.tracking ?? open.reference.settings.tracking;
  const differs = settingsMismatch(open, { limits: settings, tracking: tracking === true });
  return differs === null
    ? null
    : new GoshawkError('GOSHAWK_DRIFT_REFERENCE_MISMATCH', { ...differs.error.details, what: 'settings' });
}
