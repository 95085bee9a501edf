import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleManifest } from '../contract/bundle.ts';
import { GoshawkError } from '../contract/errors.ts';
import type { LineageStage } from '../contract/lineage.ts';
import { filesNamed, type Bundle } from './bundle.ts';
import { nextPatch } from './versions.ts';
import { checkNewBundle } from './write-bundle.ts';

/** What makes a new version of a bundle. */
export interface Succession {
  readonly stage: LineageStage;
  /** the command that makes it */
  readonly tool: string;
  /** of the new bundle; the next patch release unless given */
  readonly version?: string;
  readonly createdAt?: string;
}

/**
 * The manifest of a bundle's next version, whose parent it is, before anything else is changed in it.
 * Throws GOSHAWK_USAGE for a pre-release without a version for its successor.
 */
export function successorOf({ manifest, digest }: Bundle, succession: Succession): BundleManifest {
  // the time of the parent is not that of the child
  const past = { ...manifest.lineage };
  delete past.createdAt;
  return {
    ...manifest,
    version: succession.version ?? nextRelease(manifest.version),
    lineage: {
      ...past,
      ...(succession.createdAt === undefined ? {} : { createdAt: succession.createdAt }),
      tool: succession.tool,
      parents: [{ name: manifest.name, version: manifest.version, digest }],
      stages: [...(manifest.lineage.stages ?? []), succession.stage],
    },
  };
}

/**
 * Checks before the work that the next version of a bundle can be written to the model folder `out`.
 * @throws GoshawkError GOSHAWK_USAGE, GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE
 */
export async function checkSuccessor(
  { manifest }: Bundle,
  { out, version }: { readonly out: string; readonly version?: string },
): Promise<void> {
  await checkNewBundle(out, manifest.name, version ?? nextRelease(manifest.version));
}

/** Every file that a bundle names, by its name. */
export async function filesOf({ manifest, folder }: Bundle): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { file } of filesNamed(manifest)) files.set(file, await readFile(join(folder, file)));
  return files;
}

/** `1.0.0` becomes `1.0.1`. Throws GOSHAWK_USAGE for a pre-release, whose successor is for people to say. */
function nextRelease(version: string): string {
  const next = nextPatch(version);
  if (next !== null) return next;
  throw new GoshawkError('GOSHAWK_USAGE', { reason: `${version} is a pre-release: give the next --version` });
}
