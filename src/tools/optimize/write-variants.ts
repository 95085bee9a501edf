import { cpus } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { BundleManifest, BundleVariant } from '../../contract/bundle.ts';
import type { LineageStage } from '../../contract/lineage.ts';
import type { MachineFingerprint, MachineKind } from '../../contract/machine.ts';
import { PROVIDERS, type ProviderName } from '../../contract/providers.ts';
import type { Host } from '../../contract/report.ts';
import type { Bundle } from '../../model/bundle.ts';
import { precisionOf } from '../../model/onnx/inspect.ts';
import { readModel, shapeOf, feedInputs } from '../../model/onnx/model.ts';
import { makeReferences, MAX_PICTURES } from '../../device/authoring/make-references.ts';
import { writeBundle } from '../../model/write-bundle.ts';
import { sha256Of } from '../../platform/digest.ts';
import type { SourceImage } from '../../device/references/store-image.ts';
import type { Dataset } from '../evaluate/dataset.ts';
import { readStored } from './detect-stored.ts';
import type { Choice, Reported } from './finish.ts';
import type { Latency } from './latency.ts';
import type { Inputs } from './preparation.ts';
import { readGraph } from './source-model.ts';
import { needsExactInt8, type Plan } from './candidate-builder.ts';

/** A variant of the bundle and why it is in it. */
export interface ChosenVariant {
  readonly variant: BundleVariant;
  readonly finalist: Reported;
  readonly reason: string;
  readonly bytes: Uint8Array;
}

/** Maximum batch stated for a graph with an open batch. */
const OPEN_BATCH = 8;

/**
 * The variants in order. Those that compute the same on every CPU come before those that need exact 8-bit
 * sums, so that a runtime that takes the first variant for a provider without measuring gets what was
 * evaluated.
 */
export async function variantsOf(
  choice: Choice,
  threads: number,
  machine: MachineKind,
): Promise<ChosenVariant[]> {
  const { fastest, portable, exact, smallest, float, tensorrt } = choice;
  const floatProviders: ProviderName[] = [...PROVIDERS];
  const rows: [Reported | null, ProviderName[], string][] = [
    [portable, ['cpu'], 'the fastest that computes the same on every CPU'],
    [
      fastest,
      float === null ? floatProviders : ['cpu'],
      float === null
        ? 'nothing is faster'
        : portable === null
          ? 'the fastest'
          : 'the fastest, if 8-bit sums are exact',
    ],
    [exact, ['cpu'], 'more accurate, if 8-bit sums are exact; not timed, because they saturate here'],
    [smallest, ['cpu'], 'the smallest that is not slower'],
    [float, floatProviders, 'float, for the other providers'],
    [tensorrt, ['tensorrt'], 'int8 by the rules of TensorRT, for building an engine'],
  ];
  const chosen: ChosenVariant[] = [];
  for (const [finalist, providers, reason] of rows) {
    if (finalist === null) continue;
    const bytes = await readGraph(finalist.candidate.graph!.file);
    const model = readModel(bytes, finalist.candidate.plan.id);
    const precision = precisionOf(model);
    const id = uniqueId(variantId(finalist.candidate.plan, precision), chosen);
    const batch = shapeOf(feedInputs(model.graph)[0]!)?.[0];
    const variant: BundleVariant = {
      id,
      file: `${id}.onnx`,
      sha256: sha256Of(bytes),
      bytes: bytes.byteLength,
      precision,
      providers,
      batch: typeof batch === 'number' ? { min: batch, max: batch } : { min: 1, max: OPEN_BATCH },
      ...(needsExactInt8(finalist.candidate.plan) ? { requires: { int8: 'exact' } } : {}),
      ...(providers.includes('cpu') && finalist.candidate.latency !== null
        ? latenciesOf(finalist.candidate.latency, threads, machine)
        : {}),
    };
    chosen.push({ variant, finalist, reason, bytes });
  }
  return chosen;
}

/** A readable name. Compressed weights do not change the precision of the computation. */
function variantId(plan: Plan, precision: BundleVariant['precision']): string {
  if (plan.kind === 'weights') return plan.storage === 'int8' ? 'fp32-int8-weights' : 'fp32-fp16-weights';
  const isTensorrt = plan.kind === 'static' && plan.scheme.target === 'tensorrt';
  if (isTensorrt) return `${precision}-tensorrt`;
  return needsExactInt8(plan) ? `${precision}-exact` : precision;
}

function uniqueId(wanted: string, chosen: readonly ChosenVariant[]): string {
  const taken = new Set(chosen.map(({ variant }) => variant.id));
  if (!taken.has(wanted)) return wanted;
  return taken.has(`${wanted}-small`) ? `${wanted}-${taken.size}` : `${wanted}-small`;
}

function latenciesOf(
  { p50, p99, runs }: Latency,
  threads: number,
  machine: MachineKind,
): Pick<BundleVariant, 'latencyMs' | 'latencies'> {
  const host = cpus()[0]?.model.trim() || 'unknown';
  const latencyMs = { p50, p99, runs, threads, host, measuredAt: new Date().toISOString() };
  return { latencyMs, latencies: [{ ...latencyMs, machine }] };
}

/** How the bundle was made, for the manifest. */
export interface BundleFacts {
  readonly inputs: Inputs;
  readonly host: Host;
  readonly machine: Pick<MachineFingerprint, 'kind' | 'int8'>;
  readonly startedAt: Date;
  /** options and schemes that determine the result */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly toolVersions: Readonly<Record<string, string>>;
  readonly codeDigest: string;
}

/** Writes the bundle atomically. Throws what `writeBundle` throws. */
export async function writeOptimized(
  out: string,
  chosen: readonly ChosenVariant[],
  facts: BundleFacts,
): Promise<Bundle> {
  const { inputs } = facts;
  const { manifest } = inputs.source.bundle;
  const optimized: BundleManifest = {
    ...manifest,
    name: inputs.name,
    version: inputs.version,
    variants: chosen.map(({ variant }) => variant),
    evaluation: chosen.map((entry) => evaluationOf(entry, facts)),
    lineage: {
      ...manifest.lineage,
      createdAt: undefined,
      tool: 'goshawk optimize',
      parents: inputs.source.isBundle ? [parentOf(inputs.source.bundle)] : [],
      stages: [...(manifest.lineage.stages ?? []), stageOf(chosen, facts)],
    },
  };
  const files = new Map(chosen.map(({ variant, bytes }) => [variant.file, bytes]));
  const { entry, bytes } = await makeReferences({
    manifest: optimized,
    readFile: (file) => Promise.resolve(files.get(file)!),
    pictures: await referenceImages(inputs),
  });
  files.set(entry.file, bytes);
  return writeBundle(out, { ...optimized, references: entry }, files);
}

/** Images of the final part with the most objects, as the network receives them. */
async function referenceImages({ dataset, split, labeled }: Inputs): Promise<SourceImage[]> {
  const objects = new Map<number, number>();
  for (const { image } of dataset.truths) objects.set(image, (objects.get(image) ?? 0) + 1);
  const count = (image: number): number => objects.get(image) ?? 0;
  const images = [...split.final.images].sort((a, b) => count(b) - count(a)).slice(0, MAX_PICTURES);
  const { width, height } = labeled;
  const pictures: SourceImage[] = [];
  await readStored(labeled, images, (pixels) => {
    pictures.push({ width, height, encoding: 'rgb8', step: 3 * width, data: pixels.slice() });
    return Promise.resolve();
  });
  return pictures;
}

function parentOf({ manifest, digest }: Bundle): BundleManifest['lineage']['parents'][number] {
  return { name: manifest.name, version: manifest.version, digest };
}

/** The data set by its folder and file, because full paths mean nothing on other machines. */
export function datasetName({ file }: Dataset): string {
  return join(basename(dirname(file)), basename(file));
}

function evaluationOf(
  { variant, finalist }: ChosenVariant,
  { inputs, host, machine }: BundleFacts,
): NonNullable<BundleManifest['evaluation']>[number] {
  const { dataset, split } = inputs;
  const { stats, classes } = finalist.final.evaluation;
  const usesExactKernels = needsExactInt8(finalist.candidate.plan) && machine.int8 === 'saturating';
  const measured = dataset.labels.flatMap((label, index) =>
    dataset.categoryIds[index] === null ? [] : [[label, classes[index]!.ap] as const],
  );
  return {
    dataset: `${datasetName(dataset)}, final part`,
    datasetDigest: split.final.digest,
    images: split.final.images.length,
    ap: stats.ap ?? 0,
    ap50: stats.ap50 ?? 0,
    apByClass: Object.fromEntries(measured),
    evaluator: 'goshawk optimize',
    preprocess: 'sharp',
    variant: variant.id,
    measuredAt: new Date().toISOString(),
    host,
    machine: machine.kind,
    ...(usesExactKernels ? { exactInt8: true } : {}),
  };
}

function stageOf(chosen: readonly ChosenVariant[], facts: BundleFacts): LineageStage {
  const { inputs, host, startedAt, hyperparameters, toolVersions, codeDigest } = facts;
  const { calibration, dataset, source } = inputs;
  const schemes = chosen.map(({ variant, finalist: { candidate } }) => [
    variant.id,
    candidate.plan.kind === 'static' ? candidate.plan.scheme : { kind: candidate.plan.kind },
  ]);
  return {
    stage: 'optimize',
    finishedAt: new Date().toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    codeDigest,
    host,
    inputDigest: source.sha256,
    outputDigest: chosen[0]!.variant.sha256,
    dataset: { name: datasetName(dataset), digest: dataset.digest, count: dataset.images.length },
    calibration: { digest: calibration.digest, count: calibration.count },
    hyperparameters: { ...hyperparameters, variants: Object.fromEntries(schemes) as Record<string, unknown> },
    toolVersions: { ...toolVersions },
  };
}
