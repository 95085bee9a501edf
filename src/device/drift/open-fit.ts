import { join } from 'node:path';
import { ACCURACY_FIT_FILE, accuracyFitSchema, type AccuracyFit } from '../../contract/accuracy-fit.ts';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { cutText } from '../../core/cut-text.ts';
import { FEATURE_TABLE_VERSION } from '../../core/drift/features.ts';
import { readJsonFile } from './read-json-file.ts';

const MAX_BYTES = 1 << 20;

/** A fit, or why there is none. */
export type OpenFit = { readonly fit: AccuracyFit } | { readonly reason: string };

/** The bundle that runs. */
export interface RunningBundle {
  readonly folder: string;
  readonly digest: string;
}

const missing = (error: unknown): boolean =>
  error instanceof GoshawkError && (error.cause as { code?: unknown } | undefined)?.code === 'ENOENT';

/** Reads the fit next to a bundle's manifest. Never rejects: without a fit, accuracy is unavailable. */
export async function openAccuracyFit({ folder, digest }: RunningBundle): Promise<OpenFit> {
  const file = join(folder, ACCURACY_FIT_FILE);
  try {
    const fit = await readJsonFile(file, accuracyFitSchema, MAX_BYTES, 'an accuracy fit');
    return refusalOf(fit, digest) ?? { fit };
  } catch (error) {
    if (missing(error)) return { reason: 'the bundle has no accuracy fit: goshawk drift fit makes one' };
    return { reason: cutText(describeError(error), 300) };
  }
}

function refusalOf({ bundle, table }: AccuracyFit, digest: string): { readonly reason: string } | null {
  if (bundle.digest !== digest)
    return { reason: `the accuracy fit is of another bundle (${bundle.digest.slice(0, 12)}): make it again` };
  if (table !== FEATURE_TABLE_VERSION)
    return { reason: `the accuracy fit is of table ${String(table)} of features: make it again` };
  return null;
}
