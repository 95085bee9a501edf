import type { SourceImage } from '../references/store-image.ts';
import type { Bundle } from '../../model/bundle.ts';
import { makeReferences, type MadeReferences } from './make-references.ts';
import { checkSuccessor, filesOf, successorOf } from '../../model/successor.ts';
import { writeBundle } from '../../model/write-bundle.ts';

export interface ReferencesAddition {
  /** model folder for `<name>/<version>/` */
  readonly out: string;
  /** images of the model's domain; drawn streets by default */
  readonly pictures?: readonly SourceImage[];
  readonly version?: string;
  readonly createdAt?: string;
}

export interface BundleWithReferences {
  readonly bundle: Bundle;
  readonly references: MadeReferences;
}

/**
 * Writes a new version of a bundle with references made on this machine, for bundles that have none, or with
 * other images. Bundles never change, so the old one is not modified. Throws GOSHAWK_USAGE if the version
 * exists already, and whatever `makeReferences` throws.
 */
export async function addReferences(
  bundle: Bundle,
  added: ReferencesAddition,
): Promise<BundleWithReferences> {
  const { manifest } = bundle;
  await checkSuccessor(bundle, added);
  const files = await filesOf(bundle);
  const references = await makeReferences({
    manifest,
    readFile: (file) => Promise.resolve(files.get(file)!),
    ...(added.pictures === undefined ? {} : { pictures: added.pictures }),
  });
  if (manifest.references !== undefined) files.delete(manifest.references.file);
  files.set(references.entry.file, references.bytes);
  const child = successorOf(bundle, {
    stage: { stage: 'references', outputDigest: references.entry.sha256 },
    tool: 'goshawk models add-references',
    ...(added.version === undefined ? {} : { version: added.version }),
    ...(added.createdAt === undefined ? {} : { createdAt: added.createdAt }),
  });
  return {
    bundle: await writeBundle(added.out, { ...child, references: references.entry }, files),
    references,
  };
}
