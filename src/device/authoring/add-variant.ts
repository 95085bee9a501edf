import type { BundleManifest, BundleVariant } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { LineageStage } from '../../contract/lineage.ts';
import { sha256Of } from '../../platform/digest.ts';
import type { Bundle } from '../../model/bundle.ts';
import { shareReferences } from './share-references.ts';
import { checkSuccessor, filesOf, successorOf } from '../../model/successor.ts';
import { writeBundle } from '../../model/write-bundle.ts';

export interface NewVariant {
  readonly variant: Omit<BundleVariant, 'sha256' | 'bytes'>;
  readonly bytes: Uint8Array;
  /** what made it, for the lineage */
  readonly stage: LineageStage;
  /** the command that adds it */
  readonly tool: string;
  /** where `<name>/<version>/` goes */
  readonly out: string;
  /** of the new bundle; the next patch release unless given */
  readonly version?: string;
  readonly createdAt?: string;
  /**
   * id of a variant that has to give the same: the new one gets its references, so that it is held against
   * them on every device
   */
  readonly like?: string;
}

/**
 * Writes a new version of a bundle that has one variant more, in front, so that its providers take it first;
 * the old version is the parent. Bundles never change, so the old one stays as it is. Throws GOSHAWK_USAGE
 * where the id, its file or the version is taken.
 */
export async function addVariant(bundle: Bundle, added: NewVariant): Promise<Bundle> {
  const { manifest } = bundle;
  const { id, file } = added.variant;
  if (manifest.variants.some((variant) => variant.id === id || variant.file === file)) {
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: `${manifest.name}@${manifest.version} has a variant ${id} (${file}) already: give another --id`,
    });
  }
  await checkSuccessor(bundle, added);
  const files = await filesOf(bundle);
  files.set(file, added.bytes);
  const variant = {
    ...added.variant,
    sha256: sha256Of(added.bytes),
    bytes: added.bytes.byteLength,
  };
  const references = added.like === undefined ? null : await shareReferences(bundle, added.like, variant);
  if (references !== null) files.set(references.entry.file, references.bytes);
  const child: BundleManifest = {
    ...successorOf(bundle, added),
    variants: [variant, ...manifest.variants],
    ...(references === null ? {} : { references: references.entry }),
    ...evaluationOf(manifest),
  };
  return writeBundle(added.out, child, files);
}

/** An evaluation that names no variant is about the first, which is another one now. */
function evaluationOf({ evaluation, variants }: BundleManifest): Pick<BundleManifest, 'evaluation'> {
  const first = variants[0]?.id;
  if (evaluation === undefined || first === undefined) return {};
  return { evaluation: evaluation.map((entry) => ({ ...entry, variant: entry.variant ?? first })) };
}
