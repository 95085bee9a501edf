import type { CameraDrift } from './camera-drift.ts';
import { meanOf } from './feature-counts.ts';
import { FEATURE_NAMES, type FeatureName } from './features.ts';

/** The means of a window of one camera. */
export interface DriftSummary {
  readonly frames: number;
  /** in each feature's unit; a feature without a value is absent */
  readonly features: Readonly<Partial<Record<FeatureName, number>>>;
  /** C and R of suppression (`box-agreement.ts`); null without anything to take the mean of */
  readonly consistency: number | null;
  readonly reliability: number | null;
  /** mean score of kept boxes above 0.3, whatever the limits of the operator are; null without any */
  readonly score: number | null;
}

export function summaryOf({ frames, features, agreement }: CameraDrift): DriftSummary {
  const means: Partial<Record<FeatureName, number>> = {};
  for (const name of FEATURE_NAMES) {
    const counts = features[name];
    if (counts !== undefined) means[name] = meanOf(name, counts);
  }
  const { n = 0, sum = 0 } = agreement?.consistency ?? {};
  const { total = 0, reliable = 0 } = agreement?.reliability ?? {};
  const { n: scored = 0, sum: scores = 0 } = agreement?.score ?? {};
  return {
    frames,
    features: means,
    consistency: n > 0 ? sum / 1e6 / n : null,
    reliability: total > 0 ? reliable / total : null,
    score: scored > 0 ? scores / 1e6 / scored : null,
  };
}
