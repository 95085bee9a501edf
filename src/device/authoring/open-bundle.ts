import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import { loadBundle, MANIFEST_FILE, sha256OfFile, type Bundle } from '../../model/bundle.ts';
import { bundleNameFrom } from '../../model/bundle-name.ts';
import { sha256Of } from '../../platform/digest.ts';
import { importModel, readModelFile } from './import-model.ts';
import { externalFiles } from '../../model/onnx/external-data.ts';
import { readModel } from '../../model/onnx/model.ts';
import { checkOutputFolder } from '../../platform/outputs.ts';
import { userCacheFolder } from '../../platform/user-cache.ts';
import { ModelRepository } from '../../model/repository.ts';

/** Changes whenever the same ONNX file yields another bundle than before. */
const IMPORTER = 4;

async function isModelFile(reference: string): Promise<boolean> {
  if (basename(reference) === MANIFEST_FILE) return false;
  if (reference.toLowerCase().endsWith('.onnx')) return true;
  return stat(reference).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

/**
 * Opens a bundle by its name or path, or an ONNX file, which is imported on first use and found by its digest
 * from then on. Throws what loading and importing throw.
 * @param log receives how a file was interpreted, line by line
 * @param cache folder of imported files
 */
export async function openBundle(
  reference: string,
  log: (line: string) => void,
  cache: string = userCacheFolder('imports'),
): Promise<Bundle> {
  if (!(await isModelFile(reference))) return new ModelRepository().load(reference);
  const name = bundleNameFrom(reference);
  const bytes = await readModelFile(reference);
  const folder = join(cache, await digestOf(reference, bytes));
  const place = join(folder, name, '1.0.0');
  const known = await loadBundle(place).catch(() => null);
  if (known !== null) {
    const { head, input, labels } = known.manifest;
    log(
      `${reference} was imported before, as ${head} of ${input.width}x${input.height} with ` +
        `${labels.length} classes: ${known.folder}`,
    );
    return known;
  }
  // a bundle that was damaged since is imported again
  await rm(place, { recursive: true, force: true }).catch(() => undefined);
  return importInto(reference, bytes, name, folder, log);
}

/** Imports into the cache, or into a temporary folder if the cache cannot be written. */
async function importInto(
  file: string,
  bytes: Uint8Array,
  name: string,
  folder: string,
  log: (line: string) => void,
): Promise<Bundle> {
  log(`importing ${file}: running it to determine its layout`);
  const out = await writableFolder(folder, log);
  const version = '1.0.0';
  let report;
  try {
    const tool = 'goshawk models import';
    report = await importModel({ file, bytes, out, name, version, unnamed: 'numbered', tool });
  } catch (error) {
    if (!(error instanceof GoshawkError && error.code === 'GOSHAWK_USAGE')) throw error;
    // another process may have imported it at the same time
    const made = await loadBundle(join(folder, name, version)).catch(() => null);
    if (made !== null) return made;
    throw error;
  }
  const { manifest, folder: written } = report.bundle;
  const { head, input, labels } = manifest;
  const shown = labels.slice(0, SHOWN_LABELS).join(', ');
  const more = labels.length > SHOWN_LABELS ? ', ...' : '';
  log(`${file} was imported as ${head}: ${report.layout}, ${input.width}x${input.height}`);
  log(`${labels.length} classes: ${shown}${more}`);
  for (const note of report.notes) log(note);
  log(
    `it is stored in ${written}; if any of this is wrong, import it with the right options of "goshawk models import"`,
  );
  return report.bundle;
}

/** The folder, or a temporary one if it cannot be written. */
async function writableFolder(folder: string, log: (line: string) => void): Promise<string> {
  try {
    await checkOutputFolder(folder);
    return folder;
  } catch (error) {
    const { message } = error as Error;
    log(`${message}: the import is kept until the next start of this machine`);
    return mkdtemp(join(tmpdir(), 'goshawk-import-'));
  }
}

const SHOWN_LABELS = 8;

/** Digest over the file, its external weights and the version of the importer. */
async function digestOf(file: string, bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256').update(`${IMPORTER} `);
  hash.update(sha256Of(bytes));
  const model = readModel(bytes, file);
  for (const location of externalFiles(model).sort()) {
    // missing files and other locations are refused by the import
    const digest = await sha256OfFile(join(dirname(file), location)).catch(() => 'missing');
    hash.update(` ${location} ${digest}`);
  }
  return hash.digest('hex');
}
