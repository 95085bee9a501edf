import type { DriftSummary } from '../summary.ts';
import { FEATURE_NAMES, type FeatureName } from '../features.ts';
import { regressor, type RegressorName } from './regressors.ts';

/** Pictures of one scene mix, degraded in one way: what was measured, and the share of AP that was kept. */
export interface AccuracySample {
  readonly mix: string;
  /** `clean` for the pictures as they are */
  readonly corruption: string;
  readonly summary: DriftSummary;
  /** AP over the AP of the same pictures as they are, 0..1 */
  readonly share: number;
}

export const CLEAN = 'clean';

/** What samples were degraded by. */
export function corruptionsOf(samples: readonly AccuracySample[]): string[] {
  return [...new Set(samples.map(({ corruption }) => corruption))].filter((name) => name !== CLEAN);
}

/** What frames are compared with: the clean frames of their own scene mix, or the mean of the other mixes. */
export type BaselineKind = 'own' | 'others';

/** The baseline of each mix that has a clean sample. The others of a single mix are itself. */
export function baselinesOf(
  samples: readonly AccuracySample[],
  kind: BaselineKind,
): Map<string, DriftSummary> {
  const clean = samples.filter(({ corruption }) => corruption === CLEAN);
  const isOther = (mix: string, other: string): boolean =>
    kind === 'own' || clean.length === 1 ? other === mix : other !== mix;
  return new Map(
    clean.map(({ mix }) => [
      mix,
      meanSummary(clean.filter((one) => isOther(mix, one.mix)).map(({ summary }) => summary)),
    ]),
  );
}

/** Values of regressors against the baseline; null if one of them cannot be computed. */
export function regressorValues(
  names: readonly RegressorName[],
  now: DriftSummary,
  baseline: DriftSummary,
): number[] | null {
  const values: number[] = [];
  for (const name of names) {
    const value = regressor(name, now, baseline);
    if (value === null) return null;
    values.push(value);
  }
  return values;
}

/** The mean of means: each scene mix counts alike. */
export function meanSummary(summaries: readonly DriftSummary[]): DriftSummary {
  const features: Partial<Record<FeatureName, number>> = {};
  for (const name of FEATURE_NAMES) {
    const mean = meanOf(summaries.map((one) => one.features[name]));
    if (mean !== null) features[name] = mean;
  }
  return {
    frames: summaries.reduce((sum, { frames }) => sum + frames, 0),
    features,
    consistency: meanOf(summaries.map(({ consistency }) => consistency)),
    reliability: meanOf(summaries.map(({ reliability }) => reliability)),
    score: meanOf(summaries.map(({ score }) => score)),
  };
}

function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
