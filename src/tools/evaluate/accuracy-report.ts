import { accuracyReportSchema, type AccuracyReport, type Host } from '../../contract/report.ts';
import { bootstrapAp } from '../../core/evaluation/bootstrap.ts';
import type { CameraDrift } from '../../core/drift/camera-drift.ts';
import { summaryOf } from '../../core/drift/summary.ts';
import type { DetectedBox } from '../../core/evaluation/boxes.ts';
import { evaluateDetections } from '../../core/evaluation/evaluate.ts';
import type { Dataset } from './dataset.ts';
import type { DetectorLatencies } from './detect-dataset.ts';

/** share of resamples within the interval */
const CONFIDENCE = 0.95;

export interface AccuracyFacts {
  readonly startedAt: Date;
  readonly host: Host;
  readonly bundle: AccuracyReport['bundle'];
  readonly settings: AccuracyReport['settings'];
  readonly latencies: DetectorLatencies | null;
  /** null if no model ran */
  readonly measures: CameraDrift | null;
  /** resamples of the bootstrap; 0 omits the interval */
  readonly resamples: number;
  readonly seed: number;
}

/** Values by label, for labels that the data set has a category for. */
function byLabel<T>(dataset: Dataset, valueOf: (classIndex: number) => T): Record<string, T> {
  const entries: [string, T][] = [];
  dataset.labels.forEach((label, index) => {
    if (dataset.categoryIds[index] !== null) entries.push([label, valueOf(index)]);
  });
  return Object.fromEntries(entries);
}

function latencyOf(latencies: DetectorLatencies): AccuracyReport['latencyMs'] {
  const stages = Object.entries(latencies.stages).map(
    ([stage, histogram]) => [stage, histogram.summary()] as const,
  );
  return { total: latencies.total.summary(), stages: Object.fromEntries(stages) };
}

/** Evaluates detections on a data set and returns a report that follows its schema. */
export function makeAccuracyReport(
  dataset: Dataset,
  detections: readonly DetectedBox[],
  facts: AccuracyFacts,
): AccuracyReport {
  const images = dataset.images.length;
  const { resamples, seed } = facts;
  const set = { images, classes: dataset.labels.length, truths: dataset.truths, detections };
  const { stats, classes, matches } = evaluateDetections(set);
  const limits =
    resamples > 0 ? bootstrapAp(matches, { images, resamples, seed, confidence: CONFIDENCE }) : null;
  const curves = byLabel(dataset, (index) => classes[index]!.precision50);
  return accuracyReportSchema.parse({
    schema: 'goshawk.report.accuracy/1',
    startedAt: facts.startedAt.toISOString(),
    host: facts.host,
    seconds: (Date.now() - facts.startedAt.getTime()) / 1000,
    bundle: facts.bundle,
    ...stats,
    apByClass: byLabel(dataset, (index) => classes[index]!.ap),
    ap50ByClass: byLabel(dataset, (index) => classes[index]!.ap50),
    precisionRecall50: Object.fromEntries(Object.entries(curves).filter(([, curve]) => curve !== null)),
    images,
    objects: dataset.truths.filter(({ crowd }) => !crowd).length,
    detections: detections.length,
    interval: limits && { of: 'ap', ...limits, confidence: CONFIDENCE, resamples, seed },
    dataset: { annotations: dataset.file, digest: dataset.digest },
    settings: facts.settings,
    latencyMs: facts.latencies && latencyOf(facts.latencies),
    measures: facts.measures === null || facts.measures.frames === 0 ? null : summaryOf(facts.measures),
  });
}
