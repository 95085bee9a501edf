import type { LabeledAccuracy } from '../../contract/labeled-accuracy.ts';
import { ReadMetrics, type MetricFamily, type Sample } from '../metrics/read-metrics.ts';

/** What is known of cameras with labels. */
export interface LabelReading {
  readonly accuracy: Readonly<Record<string, LabeledAccuracy>>;
  readonly counts: Readonly<
    Record<string, { readonly matched: number; readonly unmatched: number; readonly unknown: number }>
  >;
}

function byCamera(
  valueOf: (accuracy: LabeledAccuracy) => number | null,
): (reading: LabelReading) => Sample[] {
  return ({ accuracy }) =>
    Object.entries(accuracy).flatMap(([camera, one]): Sample[] => {
      const value = valueOf(one);
      return value === null ? [] : [[{ camera }, value]];
    });
}

const FAMILIES: readonly MetricFamily<LabelReading>[] = [
  {
    name: 'goshawk_labeled_ap',
    help: 'AP (IoU 0.50:0.95) of published boxes over the newest labeled frames; absent without labels.',
    kind: 'gauge',
    labels: ['camera'],
    samples: byCamera(({ ap }) => ap),
  },
  {
    name: 'goshawk_labeled_ap50',
    help: 'AP at IoU 0.50 of published boxes over the newest labeled frames; absent without labels.',
    kind: 'gauge',
    labels: ['camera'],
    samples: byCamera(({ ap50 }) => ap50),
  },
  {
    name: 'goshawk_labeled_frames',
    help: 'Labeled frames that AP is computed over.',
    kind: 'gauge',
    labels: ['camera'],
    samples: byCamera(({ frames }) => frames),
  },
  {
    name: 'goshawk_labels_total',
    help: 'Labels of frames, by what became of them: matched with a published frame, or unmatched.',
    kind: 'counter',
    labels: ['camera', 'outcome'],
    samples: ({ counts }) =>
      Object.entries(counts).flatMap(([camera, { matched, unmatched }]): Sample[] => [
        [{ camera, outcome: 'matched' }, matched],
        [{ camera, outcome: 'unmatched' }, unmatched],
      ]),
  },
  {
    name: 'goshawk_labeled_unknown_objects_total',
    help:
      'Labeled objects that do not count: of a class that the model lacks, without an area, or beyond 1,000 of a ' +
      'frame.',
    kind: 'counter',
    labels: ['camera'],
    samples: ({ counts }) =>
      Object.entries(counts).map(([camera, { unknown }]): Sample => [{ camera }, unknown]),
  },
];

/** How well the model sees where labels come. */
export function labelMetrics(read: () => LabelReading): ReadMetrics<LabelReading> {
  return new ReadMetrics(FAMILIES, read);
}
