import type { LineageStage } from '../contract/lineage.ts';
import type { Bundle } from './bundle.ts';
import type { BundleListing } from './repository.ts';

/** A bundle that another one names. */
export interface Reference {
  readonly name: string;
  readonly version: string | null;
  readonly digest: string;
}

/** What is at hand for a reference. */
export type Found =
  | { readonly kind: 'bundle'; readonly bundle: Bundle }
  /** the digest is that of the checkpoint which this bundle was made of */
  | { readonly kind: 'checkpoint'; readonly bundle: Bundle }
  /** something stands under the name and has another digest, or cannot be read */
  | { readonly kind: 'other'; readonly note: string }
  | { readonly kind: 'missing' };

/** Stages that work on a bundle; what the last one before them gave is the checkpoint that the bundle was made of. */
export const AFTER_TRAINING: ReadonlySet<string> = new Set(['import', 'optimize', 'engine', 'references']);

/** The bundles at hand, by everything that a lineage may name them by. Their files are not looked at. */
export class LineageSources {
  readonly #listings: readonly BundleListing[];
  readonly #byDigest = new Map<string, Bundle>();
  readonly #byCheckpoint = new Map<string, Bundle>();

  constructor(listings: readonly BundleListing[]) {
    this.#listings = listings;
    const bundles = listings.flatMap((listing) => ('bundle' in listing ? [listing.bundle] : []));
    for (const bundle of bundles) this.#byDigest.set(bundle.digest, bundle);
    // several bundles can be made of one checkpoint: the one with the shortest past is nearest to it
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
