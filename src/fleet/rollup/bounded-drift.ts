import { accuracyEstimateSchema } from '../../contract/accuracy-estimate.ts';
import { driftVerdictSchema } from '../../contract/drift-verdict.ts';
import { labeledAccuracySchema } from '../../contract/labeled-accuracy.ts';
import type { Agreement, CameraDrift } from '../../core/drift/camera-drift.ts';
import type { FeatureCounts } from '../../core/drift/feature-counts.ts';
import { FEATURE_TABLE_VERSION, FEATURES, type FeatureName } from '../../core/drift/features.ts';
import { MAX_NAMES, OTHERS } from './window-times.ts';

/** Of one rollup as JSON, UTF-16 units; an honest one has 2,000. */
const MAX_LENGTH = 64 * 1024;

type Features = CameraDrift['features'];

/**
 * What is kept of a camera's drift, whatever a robot claims: the fields of the contract alone, up to 64 features and 64
 * classes, and of what is still too long only features that this version knows, and classes together.
 * @param table version of the table of features that its histograms are of
 */
export function boundedDrift(drift: CameraDrift, table: number): CameraDrift {
  const kept = knownFields(drift, table);
  if (JSON.stringify(kept).length <= MAX_LENGTH) return kept;
  const own = Object.entries(kept.features).filter(([name]) => edgesOf(name, table) !== undefined);
  return { ...kept, features: Object.fromEntries(own), classes: namedClasses(kept.classes, 0) };
}

/** Stored messages have whatever fields robots sent: those that nobody knows are left behind. */
function knownFields(drift: CameraDrift, table: number): CameraDrift {
  const { camera, frames, inGraph, unmeasured, late, duplicate, agreement } = drift;
  return {
    camera,
    frames,
    inGraph,
    unmeasured,
    late,
    duplicate,
    features: boundedFeatures(drift.features, table),
    classes: namedClasses(drift.classes, MAX_NAMES),
    agreement: agreement === null ? null : knownAgreement(agreement),
    verdict: driftVerdictSchema.safeParse(drift.verdict).data,
    accuracy: accuracyEstimateSchema.safeParse(drift.accuracy).data,
    labeled: labeledAccuracySchema.safeParse(drift.labeled).data,
  };
}

function knownAgreement({ consistency, reliability, score }: Agreement): Agreement {
  return {
    consistency: { sum: consistency.sum, n: consistency.n },
    reliability: { reliable: reliability.reliable, total: reliability.total },
    ...(score === undefined ? {} : { score: { sum: score.sum, n: score.n } }),
  };
}

/** Features of this version first: a name that somebody made up never takes the place of one. */
function boundedFeatures(features: Features, table: number): Features {
  const isOwn = (name: string): boolean => edgesOf(name, table) !== undefined;
  const kept = Object.entries(features)
    .filter(([name, counts]) => hasBins(name, counts, table))
    .sort(([a], [b]) => Number(isOwn(b)) - Number(isOwn(a)) || (a < b ? -1 : 1))
    .slice(0, MAX_NAMES)
    .map(([name, { sum, first, counts }]) => [name, { sum, first, counts }] as const);
  return Object.fromEntries(kept);
}

function hasBins(name: string, { first, counts }: FeatureCounts, table: number): boolean {
  const edges = edgesOf(name, table);
  return edges === undefined || first + counts.length <= edges.length + 1;
}

function edgesOf(name: string, table: number): readonly number[] | undefined {
  if (table !== FEATURE_TABLE_VERSION || !Object.hasOwn(FEATURES, name)) return undefined;
  return FEATURES[name as FeatureName].edges;
}

/** The most frequent classes, and the others together. */
function namedClasses(classes: CameraDrift['classes'], limit: number): CameraDrift['classes'] {
  const sorted = Object.entries(classes)
    .filter(([name]) => name !== OTHERS)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const already = Object.hasOwn(classes, OTHERS) ? (classes[OTHERS] ?? 0) : 0;
  const others = sorted.slice(limit).reduce((sum, [, count]) => sum + count, already);
  const named = sorted.slice(0, limit);
  return Object.fromEntries(others === 0 ? named : [...named, [OTHERS, others]]);
}
