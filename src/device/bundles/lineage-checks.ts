import { join } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import { sha256OfFile, type Bundle } from './bundle.ts';

/** A digest that a bundle states, and what the thing itself says where it is at hand. */
export interface DigestCheck {
  /** such as `model.onnx`, `data set`, `calibration` */
  readonly what: string;
  readonly digest: string;
  readonly result: 'matches' | 'differs' | 'unreadable' | 'not at hand';
  /** the file that was read; null where nothing was */
  readonly file: string | null;
  /** what it has; null where it was not read */
  readonly actual: string | null;
}

/** Files that somebody says belong to a lineage (a data set's annotations, the imported ONNX file), by their digest. */
export type FilesAtHand = ReadonlyMap<string, string>;

/** Checks the files of a bundle, and names everything else that it states a digest of. */
export async function checkDigests(bundle: Bundle, files: FilesAtHand): Promise<DigestCheck[]> {
  const checks: DigestCheck[] = [];
  for (const { file, sha256 } of bundle.manifest.variants) {
    checks.push(await checkFile(file, sha256, join(bundle.folder, file)));
  }
  const own = new Map(
    bundle.manifest.variants.map(({ file, sha256 }) => [sha256, join(bundle.folder, file)]),
  );
  const seen = new Set(checks.map(({ digest }) => digest));
  for (const { what, digest } of statedDigests(bundle)) {
    if (seen.has(digest)) continue;
    seen.add(digest);
    const file = files.get(digest) ?? own.get(digest) ?? null;
    checks.push({
      what,
      digest,
      file,
      result: file === null ? 'not at hand' : 'matches',
      actual: file === null ? null : digest,
    });
  }
  return checks;
}

async function checkFile(what: string, digest: string, file: string): Promise<DigestCheck> {
  try {
    const actual = await sha256OfFile(file);
    return { what, digest, file, actual, result: actual === digest ? 'matches' : 'differs' };
  } catch (error) {
    if (!(error instanceof GoshawkError)) throw error;
    return { what, digest, file, actual: null, result: 'unreadable' };
  }
}

interface Stated {
  readonly what: string;
  readonly digest: string;
}

/** Digests of things that do not come with a bundle. */
function statedDigests({ manifest }: Bundle): Stated[] {
  const { lineage } = manifest;
  const stated: { what: string; digest: string | undefined }[] = [
    { what: 'imported file', digest: lineage.sourceDigest },
    { what: 'training data', digest: lineage.datasetDigest },
  ];
  for (const stage of lineage.stages ?? []) {
    stated.push(
      { what: `${stage.stage}: data`, digest: stage.dataset?.digest },
      { what: `${stage.stage}: calibration`, digest: stage.calibration?.digest },
      { what: `${stage.stage}: code`, digest: stage.codeDigest },
      { what: `${stage.stage}: came in`, digest: stage.inputDigest },
      { what: `${stage.stage}: gave`, digest: stage.outputDigest },
    );
  }
  for (const { dataset, datasetDigest } of manifest.evaluation ?? []) {
    stated.push({ what: `evaluated on ${dataset}`, digest: datasetDigest });
  }
  return stated.flatMap(({ what, digest }) => (digest === undefined ? [] : [{ what, digest }]));
}
