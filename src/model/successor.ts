import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleManifest } from '../contract/bundle.ts';
import { GoshawkError } from '../contract/errors.ts';
import type { LineageStage } from '../contract/lineage.ts';
import { filesNamed, type Bundle } from './bundle.ts';
import { nextPatch } from './versions.ts';
import { checkNewBundle } from './write-bundle.ts';

/** How a new version of a bundle is made. */
export interface Succession {
  readonly stage: LineageStage;
  /** the command that makes it */
  readonly tool: string;
  /** version of the new bundle; the next patch release by default */
  readonly version?: string;
  readonly createdAt?: string;
}

/**
 * The manifest of a bundle's next version, with the bundle as its parent and no other changes. Throws
 * GOSHAWK_USAGE for a pre-release if no next version is given.
 */
export function successorOf({ manifest, digest }: Bundle, succession: Succession): BundleManifest {
  // the parent's time does not apply to the child
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
 * Checks in advance that the next version of a bundle can be written to the model folder `out`.
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

/**
 * `1.0.0` becomes `1.0.1`. Throws GOSHAWK_USAGE for a pre-release, whose next version only the user can
 * decide.
 */
function nextRelease(version: string): string {
  const next = nextPatch(version);
  if (next !== null) return next;
  throw new GoshawkError('GOSHAWK_USAGE', { reason: `${version} is a pre-release: give the next --version` });
}
