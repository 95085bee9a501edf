import { chmod, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { bundleManifestSchema, type BundleManifest } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { loadBundle, MANIFEST_FILE, type Bundle } from './bundle.ts';

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Writes `<root>/<name>/<version>/`, whole or not at all: everything goes into a folder beside it, is checked there, and is moved in one
 * step. A version that is there already is refused (GOSHAWK_USAGE): bundles never change. Throws GOSHAWK_BUNDLE_INVALID before anything is
 * written where the manifest does not follow the schema.
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
  const folder = join(root, checked.name, checked.version);
  const taken = (): GoshawkError =>
    new GoshawkError('GOSHAWK_USAGE', {
      reason: `${folder} is there already and bundles never change: give another --version`,
    });
  if (await exists(folder)) throw taken();
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(join(dirname(folder), '.draft-'));
  try {
    for (const [name, bytes] of files) await writeFile(join(draft, name), bytes, { flush: true });
    await writeFile(join(draft, MANIFEST_FILE), `${JSON.stringify(checked, null, 2)}\n`, { flush: true });
    await loadBundle(draft);
    // a temporary folder is its maker's alone; a bundle is for whoever may read the model folder
    await chmod(draft, (await stat(dirname(folder))).mode & 0o777);
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // a folder that came meanwhile and is not empty stops the move
    if (await exists(folder)) throw taken();
    throw error;
  }
  return loadBundle(folder);
}
