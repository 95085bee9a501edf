import { driftReferenceSchema, type DriftReference } from '../../contract/drift-reference.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { readJsonFile } from './read-json-file.ts';

/** A day of observations in each of several contexts. */
const MAX_BYTES = 256 << 20;

/** A reference with the file that it is from. */
export interface OpenReference {
  readonly file: string;
  readonly reference: DriftReference;
}

/** @throws GoshawkError GOSHAWK_FILE_UNREADABLE, GOSHAWK_FILE_INVALID */
export async function openDriftReference(file: string): Promise<OpenReference> {
  return { file, reference: await readJsonFile(file, driftReferenceSchema, MAX_BYTES, 'a drift reference') };
}

/** Why a reference does not apply; null if it does. */
export function mismatchOf(
  { file, reference }: OpenReference,
  camera: string,
  bundleDigest: string,
): GoshawkError | null {
  const { bundle } = reference;
  const refuse = (what: string, expected: string, actual: string): GoshawkError =>
    new GoshawkError('GOSHAWK_DRIFT_REFERENCE_MISMATCH', { file, what, expected, actual });
  if (bundle.digest !== bundleDigest)
    return refuse('bundle', `${bundle.name}@${bundle.version} (${bundle.digest})`, bundleDigest);
  if (reference.camera !== null && reference.camera !== camera)
    return refuse('camera', reference.camera, camera);
  return null;
}
