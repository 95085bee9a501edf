import type { LineageStage } from '../contract/lineage.ts';
import type { Bundle } from './bundle.ts';
import type { BundleListing } from './repository.ts';

/** A reference from one bundle to another. */
export interface Reference {
  readonly name: string;
  readonly version: string | null;
  readonly digest: string;
}

/** What was found for a reference. */
export type Found =
  | { readonly kind: 'bundle'; readonly bundle: Bundle }
  /** the digest is that of the checkpoint that this bundle was made from */
  | { readonly kind: 'checkpoint'; readonly bundle: Bundle }
  /** a bundle with this name has another digest, or cannot be read */
  | { readonly kind: 'other'; readonly note: string }
  | { readonly kind: 'missing' };

/**
 * Stages that work on a bundle. The output of the last stage before them is the checkpoint that the bundle
 * was made from.
 */
export const AFTER_TRAINING: ReadonlySet<string> = new Set(['import', 'optimize', 'engine', 'references']);

/**
 * The available bundles, indexed by everything that a lineage may refer to them by. Their files are not
 * checked.
 */
export class LineageSources {
  readonly #listings: readonly BundleListing[];
  readonly #byDigest = new Map<string, Bundle>();
  readonly #byCheckpoint = new Map<string, Bundle>();

  constructor(listings: readonly BundleListing[]) {
    this.#listings = listings;
    const bundles = listings.flatMap((listing) => ('bundle' in listing ? [listing.bundle] : []));
    for (const bundle of bundles) this.#byDigest.set(bundle.digest, bundle);
    // several bundles can be made from one checkpoint: the one with the shortest lineage is closest to it
    bundles.sort((a, b) => stagesOf(b).length - stagesOf(a).length);
    for (const bundle of bundles) {
      const checkpoint = stagesOf(bundle).findLast(({ stage }) => !AFTER_TRAINING.has(stage))?.outputDigest;
      if (checkpoint !== undefined) this.#byCheckpoint.set(checkpoint, bundle);
    }
  }

  find({ name, version, digest }: Reference): Found {
    const bundle = this.#byDigest.get(digest);
    if (bundle !== undefined) return { kind: 'bundle', bundle };
    const made = this.#byCheckpoint.get(digest);
    if (made !== undefined) return { kind: 'checkpoint', bundle: made };
    if (version === null) return { kind: 'missing' };
    for (const listing of this.#listings) {
      if ('bundle' in listing) {
        const { manifest, digest: actual } = listing.bundle;
        if (manifest.name === name && manifest.version === version) {
          return { kind: 'other', note: `${listing.folder} has digest ${actual.slice(0, 12)}` };
        }
      } else if (listing.folder.endsWith(`/${name}/${version}`)) {
        return { kind: 'other', note: `${listing.folder}: ${listing.error.code}` };
      }
    }
    return { kind: 'missing' };
  }
}

function stagesOf({ manifest }: Bundle): readonly LineageStage[] {
  return manifest.lineage.stages ?? [];
}
