import type { BundleVariant } from '../../contract/bundle.ts';
import { loadReferencesFile } from '../references/read-references.ts';
import type { Bundle } from '../../model/bundle.ts';
import { encodeReferences, toleranceOf, type MadeReferences } from './make-references.ts';

/**
 * The references of a bundle with one more entry: a variant that was made from another one must reproduce its
 * outputs, within the tolerance of its own precision. Null if the other one has none. Throws as
 * `readReferences` does.
 */
export async function shareReferences(
  bundle: Bundle,
  like: string,
  { id, sha256, precision }: Pick<BundleVariant, 'id' | 'sha256' | 'precision'>,
): Promise<Pick<MadeReferences, 'bytes' | 'entry'> | null> {
  const references = await loadReferencesFile(bundle);
  const source = references?.variants.find((variant) => variant.id === like);
  if (references === null || source === undefined) return null;
  const tolerance = Math.max(source.tolerance, toleranceOf(precision));
  return encodeReferences({
    ...references,
    variants: [...references.variants, { ...source, id, sha256, tolerance }],
  });
}
