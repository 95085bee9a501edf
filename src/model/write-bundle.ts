import { chmod, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { bundleManifestSchema, type BundleManifest } from '../contract/bundle.ts';
import { GoshawkError } from '../contract/errors.ts';
import { checkOutputFolder, outputError } from '../platform/outputs.ts';
import { loadBundle, MANIFEST_FILE, type Bundle } from './bundle.ts';

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The place of a version of a bundle in a model folder. */
function placeOf(root: string, name: string, version: string): string {
  return join(root, name, version);
}

function taken(folder: string): GoshawkError {
  return new GoshawkError('GOSHAWK_USAGE', {
    reason: `${folder} exists already and bundles never change: use another --version`,
  });
}

/**
 * Checks in advance that a bundle can be written: its version does not exist yet, and its folder can be
 * created.
 * @throws GoshawkError GOSHAWK_USAGE, GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE
 */
export async function checkNewBundle(root: string, name: string, version: string): Promise<void> {
  const folder = placeOf(root, name, version);
  if (await exists(folder)) throw taken(folder);
  await checkOutputFolder(dirname(folder));
}

/**
 * Writes `<root>/<name>/<version>/` atomically: everything is written to a folder next to it, checked there,
 * and moved in one step. An existing version is refused (GOSHAWK_USAGE), because bundles never change. Throws
 * GOSHAWK_BUNDLE_INVALID before anything is written if the manifest does not follow the schema,
 * GOSHAWK_OUTPUT_REFUSED or GOSHAWK_NO_SPACE if it cannot be written.
 */
export async function writeBundle(
  root: string,
  manifest: BundleManifest,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Bundle> {
  const parsed = bundleManifestSchema.safeParse(manifest);
  if (!parsed.success) {
    throw new GoshawkError('GOSHAWK_BUNDLE_INVALID', {
      bundle: `${manifest.name}@${manifest.version}`,
      reason: z.prettifyError(parsed.error),
    });
  }
  const checked = parsed.data;
  const folder = placeOf(root, checked.name, checked.version);
  if (await exists(folder)) throw taken(folder);
  const draft = await makeDraft(folder);
  try {
    for (const [name, bytes] of files) await writeFile(join(draft, name), bytes, { flush: true });
    await writeFile(join(draft, MANIFEST_FILE), `${JSON.stringify(checked, null, 2)}\n`, { flush: true });
    const written = await loadBundle(draft);
    // a temporary folder is private to its creator, but a bundle is for everyone who may read the model
    // folder
    await chmod(draft, (await stat(dirname(folder))).mode & 0o777);
    await rename(draft, folder);
    return { ...written, folder };
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // a folder that appeared meanwhile and is not empty stops the move
    if (await exists(folder)) throw taken(folder);
    throw isSystemError(error) ? outputError(folder, error) : error;
  }
}

async function makeDraft(folder: string): Promise<string> {
  try {
    await mkdir(dirname(folder), { recursive: true });
    return await mkdtemp(join(dirname(folder), '.draft-'));
  } catch (error) {
    throw outputError(folder, error);
  }
}

/** True for an error of a system call, as opposed to one from checking what was written. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
