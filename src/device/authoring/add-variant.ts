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
  /** the stage that made it, for the lineage */
  readonly stage: LineageStage;
  /** the command that adds it */
  readonly tool: string;
  /** model folder for `<name>/<version>/` */
  readonly out: string;
  /** version of the new bundle; the next patch release by default */
  readonly version?: string;
  readonly createdAt?: string;
  /**
   * id of a variant that it must agree with: the new one gets its references, so that it is checked against
   * them on every device
   */
  readonly like?: string;
}

/**
 * Writes a new version of a bundle with one more variant, in first place, so that its providers try it first.
 * The old version is the parent. Bundles never change, so the old one is not modified. Throws GOSHAWK_USAGE
 * if the id, its file or the version exists already.
 */
export async function addVariant(bundle: Bundle, added: NewVariant): Promise<Bundle> {
  const { manifest } = bundle;
  const { id, file } = added.variant;
  if (manifest.variants.some((variant) => variant.id === id || variant.file === file)) {
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: `${manifest.name}@${manifest.version} has a variant ${id} (${file}) already: use another --id`,
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

/** An evaluation without a variant refers to the first one, which has changed now. */
function evaluationOf({ evaluation, variants }: BundleManifest): Pick<BundleManifest, 'evaluation'> {
  const first = variants[0]?.id;
  if (evaluation === undefined || first === undefined) return {};
  return { evaluation: evaluation.map((entry) => ({ ...entry, variant: entry.variant ?? first })) };
}
