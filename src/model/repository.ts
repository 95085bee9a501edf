import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GoshawkError } from '../contract/errors.ts';
import { loadBundle, MANIFEST_FILE, readManifest, type Bundle } from './bundle.ts';
import { compareVersions } from './versions.ts';

/** One entry of the repository: a bundle, or a folder that should be one and the error in it. */
export type BundleListing =
  | { readonly folder: string; readonly bundle: Bundle }
  | { readonly folder: string; readonly error: GoshawkError };

/** The model folder of the package, two levels above this file's folder, in src/ as in dist/. */
function packageModels(): string {
  return fileURLToPath(new URL('../../models', import.meta.url));
}

/** The folder for bundles that the user imports. */
export function userModels(env: NodeJS.ProcessEnv = process.env): string {
  const data = env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share');
  return join(data, 'goshawk', 'models');
}

/** Folders to search, in this order: those in GOSHAWK_MODELS, the user's, the package's. */
export function defaultModelFolders(env: NodeJS.ProcessEnv = process.env): string[] {
  const given = (env['GOSHAWK_MODELS'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...given, userModels(env), packageModels()];
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}

async function hasManifest(folder: string): Promise<boolean> {
  return stat(join(folder, MANIFEST_FILE)).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

/** Bundles on disk as `<folder>/<name>/<version>/bundle.json`, over several folders. */
export class ModelRepository {
  readonly folders: readonly string[];

  constructor(folders: readonly string[] = defaultModelFolders()) {
    this.folders = folders;
  }

  /** All entries by name, then version. Broken entries are reported, not skipped. Files are not checked. */
  async list(): Promise<BundleListing[]> {
    const listings: BundleListing[] = [];
    for (const root of this.folders) {
      for (const name of await namesIn(root)) {
        for (const version of (await namesIn(join(root, name))).sort(compareVersions)) {
          listings.push(await listing(join(root, name, version)));
        }
      }
    }
    return listings;
  }

  /**
   * Finds a bundle by `NAME`, `NAME@VERSION`, or the path of its folder or bundle.json. Of several versions
   * the newest is used; of one version in several folders the first. Throws GOSHAWK_BUNDLE_NOT_FOUND.
   */
  async find(reference: string): Promise<string> {
    const folder = basename(reference) === MANIFEST_FILE ? dirname(reference) : reference;
    if (await hasManifest(folder)) return folder;
    const [name = '', wanted] = reference.split('@');
    if (name === '' || name.includes('/') || name.startsWith('.')) throw notFound(reference);
    let best: { version: string; folder: string } | null = null;
    for (const root of this.folders) {
      for (const version of await namesIn(join(root, name))) {
        const found = join(root, name, version);
        const candidate = wanted === undefined || wanted === version;
        const newer = best === null || compareVersions(version, best.version) > 0;
        if (candidate && newer && (await hasManifest(found))) best = { version, folder: found };
      }
    }
    if (best === null) throw notFound(reference);
    return best.folder;
  }

  /** Finds a bundle, reads it and checks all its files. Throws as `find` and `loadBundle` do. */
  async load(reference: string): Promise<Bundle> {
    return loadBundle(await this.find(reference));
  }
}

function notFound(bundle: string): GoshawkError {
  return new GoshawkError('GOSHAWK_BUNDLE_NOT_FOUND', { bundle });
}

async function listing(folder: string): Promise<BundleListing> {
  try {
    return { folder, bundle: await readManifest(folder) };
  } catch (error) {
    if (error instanceof GoshawkError) return { folder, error };
    throw error;
  }
}
