import {
  optimizeReportSchema,
  type OptimizeCandidate,
  type OptimizeFinalAccuracy,
  type OptimizeReport,
  type OptimizeVariant,
} from '../../contract/optimize.ts';
import type { MachineFingerprint } from '../../contract/machine.ts';
import type { BundleRef, Host } from '../../contract/report.ts';
import type { Dataset } from '../evaluate/dataset.ts';
import { bestByFloor, type Ranked } from './choose.ts';
import { EVALUATION_LIMITS } from './detect-stored.ts';
import { FINAL_LATENCY, isTensorrt, type Choice, type Finalist } from './finish.ts';
import { CONFIDENCE, type PartAccuracy } from './judge.ts';
import { ratioOfThreads } from './latency.ts';
import type { OptimizeOptions } from './options.ts';
import { RESAMPLES, type Cleaned, type Inputs } from './preparation.ts';
import type { StepTime } from './progress.ts';
import type { SearchResult } from './search.ts';
import { describeOutcome, judge } from './verdicts.ts';
import { needsExactInt8, type Plan } from './candidate-builder.ts';
import type { ChosenVariant } from './write-variants.ts';

/** Losses in the table of the best candidates, in addition to the requested one. */
const FLOORS = [0.005, 0.01, 0.02];

export interface OptimizeFacts {
  readonly options: OptimizeOptions;
  readonly startedAt: Date;
  readonly seconds: number;
  readonly host: Host;
  /** null if none was written */
  readonly bundle: BundleRef | null;
  readonly inputs: Inputs;
  readonly cleaned: Cleaned;
  readonly search: SearchResult;
  readonly choice: Choice;
  readonly chosen: readonly ChosenVariant[];
  readonly machine: MachineFingerprint;
  readonly tensorrt: { readonly candidate: string; readonly findings: readonly string[] } | null;
  readonly toolVersions: Readonly<Record<string, string>>;
  readonly processPeakBytes: number;
  readonly quantizerPeakBytes: number | null;
  readonly steps: readonly StepTime[];
}

/** Assembles all results into a report that follows its schema. */
export function makeOptimizeReport(facts: OptimizeFacts): OptimizeReport {
  const { options, inputs, cleaned, search, choice, chosen } = facts;
  const { source, dataset, split, calibration } = inputs;
  const { manifest, digest } = source.bundle;
  const { maxApDrop, maxLatencyMs, timeBudgetMinutes, threads, seed, searchShare } = options;
  const measured = new Map(choice.finalists.map((finalist) => [finalist.candidate.plan.id, finalist]));
  const latest = search.ranked.map((entry) => measured.get(entry.candidate.plan.id) ?? entry);
  const outcome = describeOutcome(choice, maxApDrop, search.notTried);
  const original = choice.original.candidate;
  return optimizeReportSchema.parse({
    schema: 'goshawk.report.optimize/1',
    startedAt: facts.startedAt.toISOString(),
    host: facts.host,
    seconds: facts.seconds,
    machine: { kind: facts.machine.kind, int8: facts.machine.int8 },
    bundle: facts.bundle,
    source: {
      model: options.model,
      name: manifest.name,
      version: manifest.version,
      digest: source.isBundle ? digest : (manifest.lineage.sourceDigest ?? digest),
      head: manifest.head,
      labels: manifest.labels.length,
      input: { width: manifest.input.width, height: manifest.input.height },
      parameters: manifest.parameters,
      macs: manifest.macs,
    },
    options: { maxApDrop, maxLatencyMs, timeBudgetMinutes, threads, seed, searchShare },
    data: {
      annotations: { file: options.annotations, digest: dataset.digest },
      calibration: { folder: options.calibration, images: calibration.count, digest: calibration.digest },
      search: { ...split.search, images: split.search.images.length },
      choice: { ...split.choice, images: split.choice.images.length },
      final: { ...split.final, images: split.final.images.length },
    },
    conditions: {
      provider: 'cpu',
      threads,
      spinning: false,
      preprocess: 'sharp',
      score: EVALUATION_LIMITS.scoreThreshold,
      iou: EVALUATION_LIMITS.iouThreshold,
      maxBoxes: EVALUATION_LIMITS.maxDetections,
      multiLabel: EVALUATION_LIMITS.multiLabel,
      confidence: CONFIDENCE,
      resamples: RESAMPLES,
      latencyRatioOf: ratioOfThreads(threads),
      latencyRounds: FINAL_LATENCY.rounds,
      latencyRunsPerRound: FINAL_LATENCY.runs,
    },
    clean: {
      steps: cleaned.answer.steps,
      nodesBefore: cleaned.answer.nodesBefore,
      nodesAfter: cleaned.answer.nodesAfter,
      dynamicBatch: cleaned.answer.dynamicBatch,
      maxAbsoluteDifference: cleaned.equivalence.maxAbsolute,
      maxRelativeDifference: cleaned.equivalence.maxRelative,
      pictures: cleaned.equivalence.pictures,
      refused: cleaned.refused,
    },
    original: {
      bytes: original.bytes,
      searchAp: original.accuracy?.ap ?? 0,
      final: finalOf(choice.original.final, dataset),
    },
    candidates: latest.map((entry) => candidateOf(entry, choice, maxApDrop)),
    notTried: search.notTried.map((what) => ({ what, reason: 'time budget' })),
    sensitivity: sensitivityOf(search, choice.fastest),
    byFloor: floorsOf(latest, maxApDrop, original.bytes),
    variants: chosen.map((entry) => variantOf(entry, dataset, original.bytes, maxApDrop)),
    outcome: {
      ...outcome,
      confirmed: chosen.every(({ finalist }) => finalist.final.drop <= maxApDrop),
      contradicted: choice.contradicted.map(({ candidate }) => candidate.plan.id),
      speedup: 1 / (choice.fastest.candidate.latency?.ratio ?? 1),
      bytesRatio: choice.fastest.candidate.bytes / original.bytes,
      apDrop: choice.fastest.final.drop,
    },
    tensorrt: facts.tensorrt && { ...facts.tensorrt, findings: [...facts.tensorrt.findings] },
    toolVersions: { ...facts.toolVersions },
    memory: {
      processPeakBytes: facts.processPeakBytes,
      quantizerPeakBytes: facts.quantizerPeakBytes,
    },
    steps: [...facts.steps],
  });
}

function candidateOf(entry: Ranked, choice: Choice, maxApDrop: number): OptimizeCandidate {
  const { candidate, estimate } = entry;
  const { plan, graph, bytes, quantized, float, accuracy, latency } = candidate;
  return {
    id: plan.id,
    kind: plan.kind,
    scheme: plan.kind === 'static' ? { ...plan.scheme } : null,
    sha256: graph?.sha256 ?? null,
    bytes,
    quantizedLayers: quantized.length,
    floatLayers: float.length,
    requires: requirementOf(plan),
    seconds: candidate.seconds,
    accuracy: accuracy && {
      ...accuracy,
      expectedDrop: estimate.drop,
      expectedDeviation: estimate.deviation,
    },
    latencyMs: latency,
    ...judge(entry, choice, maxApDrop),
  };
}

function requirementOf(plan: Plan): OptimizeCandidate['requires'] {
  return needsExactInt8(plan) ? { int8: 'exact' } : null;
}

function finalOf(final: PartAccuracy, dataset: Dataset): OptimizeFinalAccuracy {
  const { evaluation, interval, drop, dropInterval } = final;
  const { stats, classes } = evaluation;
  const byClass = dataset.labels.flatMap((label, index) =>
    dataset.categoryIds[index] === null ? [] : [[label, classes[index]!.ap] as const],
  );
  const curves = classes.flatMap(({ precision50 }) => (precision50 === null ? [] : [precision50]));
  return {
    ap: stats.ap,
    ap50: stats.ap50,
    interval,
    drop,
    dropInterval,
    apByClass: Object.fromEntries(byClass),
    precisionRecall50: curves.length === 0 ? null : meanCurve(curves),
  };
}

function meanCurve(curves: readonly (readonly number[])[]): number[] {
  return curves[0]!.map((_, level) => curves.reduce((sum, curve) => sum + curve[level]!, 0) / curves.length);
}

function variantOf(
  { variant, finalist, reason }: ChosenVariant,
  dataset: Dataset,
  originalBytes: number,
  maxApDrop: number,
): OptimizeVariant {
  return {
    id: variant.id,
    candidate: finalist.candidate.plan.id,
    file: variant.file,
    precision: variant.precision,
    providers: variant.providers,
    requires: requirementOf(finalist.candidate.plan),
    bytes: variant.bytes,
    bytesRatio: variant.bytes / originalBytes,
    reason,
    final: finalOf(finalist.final, dataset),
    choice: { drop: finalist.trial.drop, dropInterval: finalist.trial.dropInterval },
    confirmed: finalist.final.drop <= maxApDrop,
    latencyMs: finalist.candidate.latency,
  };
}

function sensitivityOf({ layers }: SearchResult, fastest: Finalist): OptimizeReport['sensitivity'] {
  const { plan, quantized } = fastest.candidate;
  const inInt8 = new Set(quantized);
  return layers.map(({ node, opType, error, parameters, outputShape }) => ({
    node,
    opType,
    error,
    parameters,
    outputShape,
    keptInFloat: plan.kind !== 'static' || !inInt8.has(node),
  }));
}

function floorsOf(
  latest: readonly Ranked[],
  maxApDrop: number,
  originalBytes: number,
): OptimizeReport['byFloor'] {
  const floors = [...new Set([...FLOORS, maxApDrop])].sort((a, b) => a - b);
  const forCpu = latest.filter((entry) => !isTensorrt(entry));
  return bestByFloor(forCpu, floors).map(({ maxApDrop: floor, fastest, smallest }) => ({
    maxApDrop: floor,
    fastest: fastest.candidate.plan.id,
    latencyRatio: fastest.candidate.latency?.ratio ?? 1,
    smallest: smallest.candidate.plan.id,
    bytesRatio: smallest.candidate.bytes / originalBytes,
  }));
}
