import { join } from 'node:path';
import { GoshawkError } from '../contract/errors.ts';
import { filesNamed, sha256OfFile, type Bundle } from './bundle.ts';
import { AFTER_TRAINING } from './lineage-sources.ts';

/** A digest that a bundle states, and what the thing itself says where it is at hand. */
export interface DigestCheck {
  /** such as `model.onnx`, `data set`, `calibration` */
  readonly what: string;
  readonly digest: string;
  readonly result: 'matches' | 'differs' | 'unreadable' | 'not at hand';
  /** the file that was read; null if nothing was */
  readonly file: string | null;
  /** what it has; null if it was not read */
  readonly actual: string | null;
}

/** What stands for a digest where there is none: a stage that states it cannot be checked and was written by hand. */
const NO_DIGEST = /^0+$/;

/** Files that somebody says belong to a lineage (a data set's annotations, the imported ONNX file), by their digest. */
export type FilesAtHand = ReadonlyMap<string, string>;

/** True unless something at hand is not what is stated. What is not at hand proves nothing either way. */
export function checksHold(checks: readonly DigestCheck[]): boolean {
  return checks.every(({ result }) => result === 'matches' || result === 'not at hand');
}

/**
 * Checks the files of a bundle, the links between its stages, and names everything else that it states a digest of.
 * @param parents bundles at hand that gave their weights
 */
export async function checkDigests(
  bundle: Bundle,
  files: FilesAtHand,
  parents: readonly Bundle[] = [],
): Promise<DigestCheck[]> {
  const checks: DigestCheck[] = [];
  for (const { file, sha256 } of filesNamed(bundle.manifest)) {
    checks.push(await checkFile(file, sha256, join(bundle.folder, file)));
  }
  const own = new Map(
    bundle.manifest.variants.map(({ file, sha256 }) => [sha256, join(bundle.folder, file)]),
  );
  // that two stages state one digest proves nothing of a file: what is not at hand is told beside the links
  const seen = new Set(checks.map(({ digest }) => digest));
  checks.push(...checkLinks(bundle, parents));
  for (const { what, digest } of statedDigests(bundle)) {
    if (seen.has(digest)) continue;
    seen.add(digest);
    if (NO_DIGEST.test(digest)) {
      checks.push({
        what: `${what} (no file has this digest)`,
        digest,
        file: null,
        result: 'differs',
        actual: null,
      });
      continue;
    }
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

/**
 * Checks that each stage began with what is said to be there before it and that the last one gave a file of
 * the bundle: training stages begin with the checkpoint of the one before, an import with the file that was
 * imported, what follows with a graph of the bundle so far. A link of which one side is not stated is not
 * checked. Nothing is signed: links that hold show that the record is consistent, not who wrote it.
 */
function checkLinks(bundle: Bundle, parents: readonly Bundle[]): DigestCheck[] {
  const { lineage, variants } = bundle.manifest;
  const stages = lineage.stages ?? [];
  const checks: DigestCheck[] = [];
  const link = (
    what: string,
    digest: string | undefined,
    allowed: readonly (string | undefined)[],
    open = false,
  ): void => {
    const known = allowed.filter((entry) => entry !== undefined);
    if (digest === undefined || known.length === 0) return;
    const holds = known.includes(digest);
    const result = holds ? 'matches' : open ? 'not at hand' : 'differs';
    checks.push({ what, digest, result, file: null, actual: holds ? digest : open ? null : known[0]! });
  };
  const own = variants.map(({ sha256 }) => sha256);
  const graphs = [bundle, ...parents].flatMap((one) => one.manifest.variants.map(({ sha256 }) => sha256));
  const isParentMissing =
    lineage.parents.some(({ role = 'weights' }) => role === 'weights') && parents.length === 0;
  stages.forEach((stage, i) => {
    const before = stages[i - 1];
    const name = stage.stage;
    if (name === 'import') {
      link(`${name}: came in is the imported file`, stage.inputDigest, [lineage.sourceDigest]);
    } else if (before !== undefined) {
      const what = `${name}: came in is what ${before.stage} gave`;
      const others = AFTER_TRAINING.has(name) ? graphs : [];
      link(
        what,
        stage.inputDigest,
        [before.outputDigest, ...others],
        AFTER_TRAINING.has(name) && isParentMissing,
      );
    }
  });
  stages.forEach((stage, i) => {
    // an engine lies inside the file that wraps it, so its own digest is that of no file; references give no graph
    if (!AFTER_TRAINING.has(stage.stage) || stage.stage === 'engine' || stage.stage === 'references') return;
    const next = stages[i + 1];
    const isLast = next === undefined;
    const what = isLast
      ? `${stage.stage}: gave is a file of the bundle`
      : `${stage.stage}: gave is what ${next.stage} began with`;
    link(what, stage.outputDigest, isLast ? own : [next.inputDigest, ...graphs], !isLast && isParentMissing);
  });
  return checks;
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
