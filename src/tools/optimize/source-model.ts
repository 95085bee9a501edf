import { readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BundleManifest } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { loadBundle, nameOf, sha256OfFile, type Bundle } from '../../model/bundle.ts';
import { importModel, type ImportOptions } from '../../device/authoring/import-model.ts';
import { ModelRepository } from '../../model/repository.ts';
import { digestOf, type WorkFolder } from './work-folder.ts';

/** How to interpret a foreign ONNX file, and what to call the result. */
export type ForeignOptions = Omit<ImportOptions, 'file' | 'out' | 'labels' | 'tool' | 'createdAt'> & {
  readonly labels: readonly string[] | null;
};

/** The float model that the search starts from. */
export interface SourceModel {
  /** the bundle that contains it; a foreign file is imported into the work folder */
  readonly bundle: Bundle;
  /** its graph: one uint8 input `[batch, height, width, 3]`, float inside */
  readonly file: string;
  /** sha256 of the graph */
  readonly sha256: string;
  readonly variant: BundleManifest['variants'][number];
  /** false if it was imported for this run */
  readonly isBundle: boolean;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

/**
 * Opens a bundle by its name or path, or an ONNX file, which is imported into the work folder. Throws what
 * importing and loading bundles throw, and GOSHAWK_USAGE if labels are missing or the bundle has no float
 * variant.
 */
export async function openSource(
  reference: string,
  foreign: ForeignOptions,
  work: WorkFolder,
): Promise<SourceModel> {
  const isForeign = basename(reference) !== 'bundle.json' && (await isFile(reference));
  const bundle = isForeign
    ? await importForeign(reference, foreign, work)
    : await new ModelRepository().load(reference);
  const variant = bundle.manifest.variants.find(
    ({ precision, engine }) => precision === 'fp32' && engine === undefined,
  );
  if (variant === undefined) {
    const reason = `${nameOf(bundle)} has no fp32 variant to start from: use the float model`;
    throw new GoshawkError('GOSHAWK_USAGE', { reason });
  }
  const { file, sha256 } = variant;
  return { bundle, file: join(bundle.folder, file), sha256, variant, isBundle: !isForeign };
}

async function importForeign(file: string, foreign: ForeignOptions, work: WorkFolder): Promise<Bundle> {
  const { labels, ...rest } = foreign;
  const key = digestOf({ file: await sha256OfFile(file), foreign });
  const out = join(work.folder, 'import', key.slice(0, 24));
  const folder = join(out, foreign.name, foreign.version);
  const known = await loadBundle(folder).catch(() => null);
  if (known !== null) return known;
  await rm(out, { recursive: true, force: true });
  const { bundle } = await importModel({
    ...rest,
    ...(labels === null ? {} : { labels }),
    file,
    out,
    tool: 'goshawk optimize',
  });
  return bundle;
}

/** The graph's bytes. Throws GOSHAWK_FILE_UNREADABLE. */
export async function readGraph(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason }, { cause });
  }
}
