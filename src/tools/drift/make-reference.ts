import { GoshawkError } from '../../contract/errors.ts';
import type { DriftReference } from '../../contract/drift-reference.ts';
import type { BundleRef } from '../../contract/report.ts';
import { FEATURE_TABLE_VERSION } from '../../core/drift/features.ts';
import { OBSERVED_VERSION } from '../../core/drift/observe/observed.ts';
import { makeFeatures } from '../../core/drift/reference/make-features.ts';
import { contextOf } from '../../core/drift/reference/observations.ts';
import type { DriftSummary } from '../../core/drift/summary.ts';
import { createRandom } from '../../core/random.ts';
import { mismatchOf, type OpenReference } from '../../device/drift/open-reference.ts';

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
}

/**
 * A reference of one context, or with `merge` one more: bins, probabilities and discounts are computed anew over the
 * observations of all contexts. A context of the same name is replaced.
 * @param camera null for any
 * @throws GoshawkError GOSHAWK_DRIFT_REFERENCE_SHORT, and GOSHAWK_DRIFT_REFERENCE_MISMATCH for a reference of another
 * bundle or camera
 */
export function makeReference(
  bundle: BundleRef,
  camera: string | null,
  { name, rows, measures }: NewContext,
  merge: OpenReference | null,
): DriftReference {
  if (rows.length < MIN_OBSERVATIONS) {
    const details = { context: name, count: rows.length, least: MIN_OBSERVATIONS };
    throw new GoshawkError('GOSHAWK_DRIFT_REFERENCE_SHORT', details);
  }
  const mismatch = merge === null ? null : mismatchOf(merge, camera ?? '', bundle.digest);
  if (mismatch !== null) throw mismatch;
  const others = (merge?.reference.contexts ?? []).filter((context) => context.name !== name);
  const context = { name, ...contextOf(rows), ...(measures === undefined ? {} : { measures }) };
  const contexts = [...others, context];
  const features = makeFeatures(contexts, createRandom(SEED));
  const reference = {
    schema: 'goshawk.drift-reference/2',
    madeAt: new Date().toISOString(),
    table: FEATURE_TABLE_VERSION,
    observed: OBSERVED_VERSION,
    bundle,
    camera,
    features,
    contexts,
  } as const;
  return reference as unknown as DriftReference;
}
