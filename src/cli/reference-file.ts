import { driftReferenceSchema, type DriftReference } from '../contract/drift-reference.ts';
import { GoshawkError } from '../contract/errors.ts';
import { settingsOf } from '../device/drift/reference-settings.ts';
import { summaryOf } from '../core/drift/summary.ts';
import { writeOutput } from '../platform/outputs.ts';
import type { BundleManifest } from '../contract/bundle.ts';
import { makeReference, requireObservations } from '../tools/drift/make-reference.ts';
import {
  observeImages,
  readWhatToObserve,
  type ObserveOptions,
  type WhatToObserve,
} from '../tools/drift/observe-images.ts';
import { countProgress } from './kit/live-line.ts';

/** The context of a reference of images. */
const CONTEXT = 'images';

/** Writes a drift reference, and says what it has. @throws GoshawkError for one that is not valid */
export async function writeReferenceFile(file: string, made: DriftReference): Promise<void> {
  await writeOutput(file, `${JSON.stringify(checked(made))}\n`);
  console.log(describe(made, file));
}

/**
 * Refuses what no reference of images can be made of. Evaluations and searches come before one, and take minutes.
 * @throws GoshawkError of a data set or limits that cannot be used, GOSHAWK_DRIFT_REFERENCE_SHORT
 */
export async function checkImageReference(manifest: BundleManifest, what: WhatToObserve): Promise<void> {
  const { dataset } = await readWhatToObserve(manifest, what);
  requireObservations(CONTEXT, dataset.images.length);
}

/**
 * Writes what a robot observes in images as a drift reference of any camera: an observation of each.
 * @throws GoshawkError of images that cannot be used, GOSHAWK_DRIFT_REFERENCE_SHORT
 */
export async function writeImageReference(
  file: string,
  options: Omit<ObserveOptions, 'onProgress'>,
): Promise<void> {
  const { manifest, digest } = options.bundle;
  const onProgress = countProgress('drift reference', 'images');
  const { rows, measures, limits } = await observeImages({ ...options, onProgress });
  const bundle = { name: manifest.name, version: manifest.version, digest };
  const context = { name: CONTEXT, rows, measures: summaryOf(measures) };
  await writeReferenceFile(
    file,
    makeReference({ bundle, camera: null, settings: settingsOf(limits, null) }, context, null),
  );
}

function checked(reference: DriftReference): DriftReference {
  const { data, error } = driftReferenceSchema.safeParse(reference);
  if (data !== undefined) return data;
  throw new GoshawkError('GOSHAWK_USAGE', {
    reason: error.issues[0]?.message ?? 'the reference is not valid',
  });
}

function describe({ contexts, features }: DriftReference, file: string): string {
  const lengths = contexts.map(
    ({ name, columns }) => `${name} (${Object.values(columns)[0]?.length ?? 0} observations)`,
  );
  return `${file}: ${Object.keys(features).length} features; contexts: ${lengths.join(', ')}`;
}
