import { join } from 'node:path';
import { GoshawkError } from '../contract/errors.ts';
import { filesNamed, sha256OfFile, type Bundle } from './bundle.ts';
import { AFTER_TRAINING } from './lineage-sources.ts';

/** A digest that a bundle states, and how it compares with the actual content if that is available. */
export interface DigestCheck {
  /** such as `model.onnx`, `data set`, `calibration` */
  readonly what: string;
  readonly digest: string;
  readonly result: 'matches' | 'differs' | 'unreadable' | 'not at hand';
  /** the file that was read; null if nothing was */
  readonly file: string | null;
  /** its actual digest; null if it was not read */
  readonly actual: string | null;
}

/** A placeholder for a missing digest. A stage with it cannot be checked and was written by hand. */
const NO_DIGEST = /^0+$/;

/**
 * Files supplied for checking a lineage (a data set's annotations, the imported ONNX file), by their digest.
 */
export type FilesAtHand = ReadonlyMap<string, string>;

/**
 * True unless available content contradicts the record. Content that is not available proves nothing either
 * way.
 */
export function checksHold(checks: readonly DigestCheck[]): boolean {
  return checks.every(({ result }) => result === 'matches' || result === 'not at hand');
}

/**
 * Checks the files of a bundle and the links between its stages, and lists every other digest that it states.
 * @param parents available bundles that contributed their weights
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
  // two stages that state the same digest prove nothing about a file, so unavailable files are listed in
  // addition to links
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
 * Checks that the input of each stage matches the output before it, and that the last output is a file of the
 * bundle: training stages start from the checkpoint of the previous stage, an import from the imported file,
 * later stages from a graph of the bundle so far. A link with only one side stated is not checked. Nothing is
 * signed: matching links show that the record is consistent, not who wrote it.
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
      link(`${name}: input is the imported file`, stage.inputDigest, [lineage.sourceDigest]);
    } else if (before !== undefined) {
      const what = `${name}: input is the output of ${before.stage}`;
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
    // an engine is embedded in the file that wraps it, so its digest is not that of a file; references
    // produce no graph
    if (!AFTER_TRAINING.has(stage.stage) || stage.stage === 'engine' || stage.stage === 'references') return;
    const next = stages[i + 1];
    const isLast = next === undefined;
    const what = isLast
      ? `${stage.stage}: output is a file of the bundle`
      : `${stage.stage}: output is the input of ${next.stage}`;
    link(what, stage.outputDigest, isLast ? own : [next.inputDigest, ...graphs], !isLast && isParentMissing);
  });
  return checks;
}

interface Stated {
  readonly what: string;
  readonly digest: string;
}

/** Digests of things that are not part of a bundle. */
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
      { what: `${stage.stage}: input`, digest: stage.inputDigest },
      { what: `${stage.stage}: output`, digest: stage.outputDigest },
    );
  }
  for (const { dataset, datasetDigest } of manifest.evaluation ?? []) {
    stated.push({ what: `evaluated on ${dataset}`, digest: datasetDigest });
  }
  return stated.flatMap(({ what, digest }) => (digest === undefined ? [] : [{ what, digest }]));
}
