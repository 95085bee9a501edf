import { meanAndDeviation } from '../../../core/mean-and-deviation.ts';
import type { CameraDrift } from '../../../core/drift/camera-drift.ts';
import { FeatureHistogram, type FeatureCounts } from '../../../core/drift/feature-counts.ts';
import { FEATURE_NAMES, FEATURES, type FeatureName } from '../../../core/drift/features.ts';
import { OBSERVED, PLACE, type ObservedName } from '../../../core/drift/observe/observed.ts';
import type { Random } from '../../../core/random.ts';

/** Features that observations and windows have in common. */
export const SHARED = FEATURE_NAMES.filter((name): name is FeatureName & ObservedName =>
  (OBSERVED as readonly string[]).includes(name),
);

export type Rows = readonly Float64Array[];
/** By feature, added to each value, in its unit. */
export type Offset = Readonly<Partial<Record<ObservedName, number>>>;

/** A change of what a model makes of an image. */
export const MODEL_CHANGES = {
  misses: { boxes: 0.6, candidates: 0.7, confidence: 0.85 },
  overeager: { boxes: 1.5, candidates: 2.2, confidence: 0.8 },
} as const satisfies Readonly<Record<string, Partial<Record<ObservedName, number>>>>;

export type ModelChange = keyof typeof MODEL_CHANGES;

/** Mean and standard deviation of a feature. */
export interface FeatureSpread {
  readonly mean: number;
  readonly deviation: number;
}

/** They are asked for again with every day of every camera. */
const spreads = new WeakMap<Rows, Map<ObservedName, FeatureSpread | null>>();

/** Of a feature over observations; null without a value. */
export function featureSpread(rows: Rows, name: ObservedName): FeatureSpread | null {
  const known = spreads.get(rows) ?? new Map<ObservedName, FeatureSpread | null>();
  spreads.set(rows, known);
  const spread = known.get(name);
  if (spread !== undefined) return spread;
  const made = measure(rows, name);
  known.set(name, made);
  return made;
}

function measure(rows: Rows, name: ObservedName): FeatureSpread | null {
  const values = rows.map((row) => row[PLACE[name]]!).filter((value) => !Number.isNaN(value));
  if (values.length === 0) return null;
  return meanAndDeviation(values);
}

/** A camera's window from observations that are drawn with replacement. */
export function windowFrom(
  rows: Rows,
  frames: number,
  { offset, model }: { readonly offset: Offset; readonly model: ModelChange | null },
  random: Random,
): CameraDrift {
  const histograms = new Map(SHARED.map((name) => [name, new FeatureHistogram(name)]));
  const factors: Offset = model === null ? {} : MODEL_CHANGES[model];
  for (let frame = 0; frame < frames; frame += 1) {
    const row = rows[random.int(0, rows.length - 1)]!;
    for (const [name, histogram] of histograms) {
      const value = row[PLACE[name]]! * (factors[name] ?? 1) + (offset[name] ?? 0);
      const [lowest, highest] = FEATURES[name].range;
      histogram.note(Math.max(lowest, Math.min(highest, value)));
    }
  }
  const features: Record<string, FeatureCounts> = {};
  for (const [name, histogram] of histograms) {
    const counts = histogram.read();
    if (counts !== null) features[name] = counts;
  }
  const none = { inGraph: 0, unmeasured: 0, late: 0, duplicate: 0, classes: {}, agreement: null };
  return { camera: '', frames, features, ...none };
}
