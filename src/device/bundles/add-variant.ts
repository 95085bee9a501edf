import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleManifest, BundleVariant } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { LineageStage } from '../../contract/lineage.ts';
import type { Bundle } from './bundle.ts';
import { writeBundle } from './write-bundle.ts';

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
}

/**
 * Writes a new version of a bundle that has one variant more, in front, so that its providers take it first; the old version is the parent.
 * Bundles never change, so the old one stays as it is. Throws GOSHAWK_USAGE where the id, its file or the version is taken.
 */
export async function addVariant(bundle: Bundle, added: NewVariant): Promise<Bundle> {
  const { manifest, digest, folder } = bundle;
  const { id, file } = added.variant;
  if (manifest.variants.some((variant) => variant.id === id || variant.file === file)) {
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: `${manifest.name}@${manifest.version} has a variant ${id} (${file}) already: give another --id`,
    });
  }
  const files = new Map<string, Uint8Array>([[file, added.bytes]]);
  for (const variant of manifest.variants)
    files.set(variant.file, await readFile(join(folder, variant.file)));
  const variant = {
    ...added.variant,
    sha256: createHash('sha256').update(added.bytes).digest('hex'),
    bytes: added.bytes.byteLength,
  };
  // the time of the parent is not that of the child
  const past = { ...manifest.lineage };
  delete past.createdAt;
  const child: BundleManifest = {
    ...manifest,
    version: added.version ?? nextPatch(manifest.version),
    variants: [variant, ...manifest.variants],
    ...evaluationOf(manifest),
    lineage: {
      ...past,
      ...(added.createdAt === undefined ? {} : { createdAt: added.createdAt }),
      tool: added.tool,
      parents: [{ name: manifest.name, version: manifest.version, digest }],
      stages: [...(manifest.lineage.stages ?? []), added.stage],
    },
  };
  return writeBundle(added.out, child, files);
}

/** An evaluation that names no variant is about the first, which is another one now. */
function evaluationOf({ evaluation, variants }: BundleManifest): Pick<BundleManifest, 'evaluation'> {
  const first = variants[0]?.id;
  if (evaluation === undefined || first === undefined) return {};
  return { evaluation: evaluation.map((entry) => ({ ...entry, variant: entry.variant ?? first })) };
}

/** `1.0.0` becomes `1.0.1`. Throws GOSHAWK_USAGE for a pre-release, whose successor is for people to say. */
function nextPatch(version: string): string {
  const [, release, patch] = /^(\d+\.\d+)\.(\d+)$/.exec(version) ?? [];
  if (release === undefined || patch === undefined) {
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: `${version} is a pre-release: give the next --version`,
    });
  }
  return `${release}.${Number(patch) + 1}`;
}
