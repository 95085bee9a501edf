import type { Status } from '../../contract/status.ts';
import { ReadMetrics, type MetricFamily, type Sample } from '../metrics/read-metrics.ts';

export type CaptureReading = NonNullable<Status['capture']>;

function one(
  name: string,
  kind: 'gauge' | 'counter',
  help: string,
  read: (reading: CaptureReading) => number,
): MetricFamily<CaptureReading> {
  return { name, kind, help, labels: [], samples: (reading): Sample[] => [[{}, read(reading)]] };
}

function byReason(
  name: string,
  help: string,
  read: (reading: CaptureReading) => Readonly<Record<string, number>>,
): MetricFamily<CaptureReading> {
  const samples = (reading: CaptureReading): Sample[] =>
    Object.entries(read(reading)).map(([reason, count]): Sample => [{ reason }, count]);
  return { name, kind: 'counter', help, labels: ['reason'], samples };
}

const FAMILIES: readonly MetricFamily<CaptureReading>[] = [
  one(
    'goshawk_capture_ring_frames',
    'gauge',
    'Frames that are kept for the next clip.',
    ({ ring }) => ring.frames,
  ),
  one('goshawk_capture_ring_bytes', 'gauge', 'Memory of these frames.', ({ ring }) => ring.bytes),
  one('goshawk_capture_clips', 'gauge', 'Clips on the disk.', ({ clips }) => clips),
  one('goshawk_capture_bytes', 'gauge', 'Bytes of the clips on the disk.', ({ bytes }) => bytes),
  one(
    'goshawk_capture_removed_total',
    'counter',
    'Clips removed to make room for newer ones.',
    (r) => r.removed,
  ),
  one('goshawk_capture_missed_total', 'counter', 'Frames that a clip lacks.', ({ missed }) => missed),
  byReason('goshawk_capture_recorded_total', 'Clips recorded, by what asked for them.', (r) => r.recorded),
  byReason('goshawk_capture_refused_total', 'Clips not recorded, by reason.', ({ refused }) => refused),
];

/** Clips and the ring as metrics. */
export function captureMetrics(read: () => CaptureReading): ReadMetrics<CaptureReading> {
  return new ReadMetrics(FAMILIES, read);
}
