import type { StreamBody } from '../../../src/contract/telemetry/streams.ts';
import { FeatureHistogram } from '../../../src/core/drift/feature-counts.ts';
import { FEATURE_TABLE_VERSION, type FeatureName } from '../../../src/core/drift/features.ts';
import type { DriftState, WindowVerdict } from '../../../src/core/drift/window-verdict.ts';

const START = Date.UTC(2026, 0, 1, 10);

/** When minute `index` of the made-up period begins. */
export const minute = (index: number): string => new Date(START + index * 60_000).toISOString();

export interface WindowPlan {
  readonly index: number;
  readonly camera?: string;
  readonly state?: DriftState;
  readonly values?: Partial<Record<FeatureName, readonly number[]>>;
  readonly label?: string;
  readonly table?: number;
}

function verdictAt(index: number, state: DriftState, text: string): WindowVerdict {
  const isOk = state === 'ok';
  const shift = { share: 1, now: 0.2, reference: 0.5, sigmas: -5, wasserstein: 5, psi: 2 };
  return {
    at: minute(index + 1),
    state,
    evidence: isOk ? 0.01 : 2,
    since: isOk ? null : minute(index),
    context: 'day',
    features: isOk ? [] : [{ feature: 'brightness', ...shift }],
    cause: isOk ? null : { name: 'dark', words: text, evidence: [text] },
  };
}

/** A drift window of a minute of one camera. */
export function windowOf(plan: WindowPlan): StreamBody<'drift'> {
  const { index, camera = 'front', state, values = { brightness: [0.5] }, label = 'person' } = plan;
  const features = Object.entries(values).map(([name, list]) => {
    const histogram = new FeatureHistogram(name as FeatureName);
    list.forEach((value) => histogram.note(value));
    return [name, histogram.read()!] as const;
  });
  return {
    window: { start: minute(index), end: minute(index + 1) },
    bundle: { name: label, version: '1.0.0', digest: 'a'.repeat(64), variant: 'fp32', provider: 'cpu' },
    table: plan.table ?? FEATURE_TABLE_VERSION,
    cameras: [
      {
        camera,
        frames: 60,
        inGraph: 0,
        unmeasured: 0,
        late: 0,
        duplicate: 0,
        features: Object.fromEntries(features),
        classes: { [label]: 120 },
        agreement: {
          consistency: { sum: 30e6, n: 60 },
          reliability: { reliable: 8e6, total: 10e6 },
        },
        ...(state === undefined ? {} : { verdict: verdictAt(index, state, label) }),
      },
    ],
  };
}
