import { DRIFT_STATES } from '../../core/drift/window-verdict.ts';
import type { DriftSummary } from '../../core/drift/summary.ts';
import { ACCURACY_STATES, type AccuracyEstimate } from '../../core/drift/window-accuracy.ts';
import type { WindowVerdict } from '../../core/drift/window-verdict.ts';
import { ReadMetrics, type MetricFamily, type Sample } from '../metrics/read-metrics.ts';

/** The newest window of each camera, and what is known of it now. */
export interface DriftReading {
  readonly cameras: Readonly<Record<string, DriftSummary>>;
  /** of cameras with a reference */
  readonly verdicts: Readonly<Record<string, WindowVerdict>>;
  /** the newest of each camera */
  readonly accuracy: Readonly<Record<string, AccuracyEstimate>>;
}

function byCamera(valueOf: (summary: DriftSummary) => number | null): (reading: DriftReading) => Sample[] {
  return ({ cameras }) =>
    Object.entries(cameras).flatMap(([camera, summary]): Sample[] => {
      const value = valueOf(summary);
      return value === null ? [] : [[{ camera }, value]];
    });
}

const FAMILIES: readonly MetricFamily<DriftReading>[] = [
  {
    name: 'goshawk_drift_frames',
    help: 'Frames that were measured in the newest drift window.',
    kind: 'gauge',
    labels: ['camera'],
    samples: byCamera(({ frames }) => frames),
  },
  {
    name: 'goshawk_drift_feature_mean',
    help: 'Mean of a feature in the newest drift window, in the unit that docs/drift.md states.',
    kind: 'gauge',
    labels: ['camera', 'feature'],
    samples: ({ cameras }) =>
      Object.entries(cameras).flatMap(([camera, { features }]) =>
        Object.entries(features).map(([feature, mean]): Sample => [{ camera, feature }, mean]),
      ),
  },
  {
    name: 'goshawk_drift_consistency_ratio',
    help: 'Consistency of kept with suppressed boxes in the newest drift window; absent without any.',
    kind: 'gauge',
    labels: ['camera'],
    samples: byCamera(({ consistency }) => consistency),
  },
  {
    name: 'goshawk_drift_reliability_ratio',
    help: 'Share of suppressed boxes that belong to confident ones in the newest drift window; absent without any.',
    kind: 'gauge',
    labels: ['camera'],
    samples: byCamera(({ reliability }) => reliability),
  },
  {
    name: 'goshawk_drift_state',
    help: 'Whether the input changed against the reference: 1 for the state that the camera is in, 0 for the others.',
    kind: 'gauge',
    labels: ['camera', 'state'],
    samples: ({ verdicts }) =>
      Object.entries(verdicts).flatMap(([camera, verdict]) =>
        DRIFT_STATES.map((state): Sample => [{ camera, state }, state === verdict.state ? 1 : 0]),
      ),
  },
  {
    name: 'goshawk_drift_evidence_ratio',
    help: 'Evidence that the input changed, over what an alarm needs: from 1 on it is an alarm.',
    kind: 'gauge',
    labels: ['camera'],
    samples: ({ verdicts }) =>
      Object.entries(verdicts).map(([camera, { evidence }]): Sample => [{ camera }, evidence]),
  },
  {
    name: 'goshawk_estimated_ap_share',
    help: 'Share of the AP in the baseline that is kept, estimated without labels; low and high end a 90 % interval.',
    kind: 'gauge',
    labels: ['camera', 'value'],
    samples: ({ accuracy }) =>
      Object.entries(accuracy).flatMap(([camera, { share, low, high }]) =>
        Object.entries({ estimate: share, low, high }).flatMap(([value, amount]): Sample[] =>
          amount === null ? [] : [[{ camera, value }, amount]],
        ),
      ),
  },
  {
    name: 'goshawk_estimated_accuracy_state',
    help: 'Whether the model sees worse than in the baseline: 1 for the state that the camera is in, 0 for the others.',
    kind: 'gauge',
    labels: ['camera', 'state'],
    samples: ({ accuracy }) =>
      Object.entries(accuracy).flatMap(([camera, { state: current }]) =>
        ACCURACY_STATES.map((state): Sample => [{ camera, state }, state === current ? 1 : 0]),
      ),
  },
];

/** The newest drift windows as gauges: cameras times features. */
export function driftMetrics(read: () => DriftReading): ReadMetrics<DriftReading> {
  return new ReadMetrics(FAMILIES, read);
}
