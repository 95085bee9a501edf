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

/** Where a version of a bundle lies in a model folder. */
function placeOf(root: string, name: string, version: string): string {
  return join(root, name, version);
}

function taken(folder: string): GoshawkError {
  return new GoshawkError('GOSHAWK_USAGE', {
    reason: `${folder} is there already and bundles never change: give another --version`,
  });
}

/**
 * Checks before the work that a bundle can be written: its version is not there yet, and its folder can be made.
 * @throws GoshawkError GOSHAWK_USAGE, GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE
 */
export async function checkNewBundle(root: string, name: string, version: string): Promise<void> {
  const folder = placeOf(root, name, version);
  if (await exists(folder)) throw taken(folder);
  await checkOutputFolder(dirname(folder));
}

/**
 * Writes `<root>/<name>/<version>/`, whole or not at all: everything goes into a folder beside it, is checked
 * there, and is moved in one step. A version that is there already is refused (GOSHAWK_USAGE): bundles never
 * change. Throws GOSHAWK_BUNDLE_INVALID before anything is written where the manifest does not follow the
 * schema, GOSHAWK_OUTPUT_REFUSED and GOSHAWK_NO_SPACE where it cannot be written.
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
    // a temporary folder is its maker's alone; a bundle is for whoever may read the model folder
    await chmod(draft, (await stat(dirname(folder))).mode & 0o777);
    await rename(draft, folder);
    return { ...written, folder };
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // a folder that came meanwhile and is not empty stops the move
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

/** Of a call into the operating system, and not of a check of what was written. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
