import { ReadMetrics, type MetricFamily, type Sample } from '../metrics/read-metrics.ts';
import type { QueueCounts } from './outbox/stream-queue.ts';
import type { TelemetryStatus } from './telemetry-status.ts';

type Reading = TelemetryStatus | null;

/** A value of each stream; null for none. */
function byStream(valueOf: (counts: QueueCounts) => number | null): (reading: Reading) => Sample[] {
  return (reading) =>
    Object.entries(reading?.streams ?? {}).flatMap(([stream, counts]): Sample[] => {
      const value = valueOf(counts);
      return value === null ? [] : [[{ stream }, value]];
    });
}

const isUp = (condition: boolean): Sample[] => [[{}, condition ? 1 : 0]];

const FAMILIES: readonly MetricFamily<Reading>[] = [
  {
    name: 'goshawk_telemetry_connected',
    help: 'Whether the telemetry link to the broker is up: 1 or 0.',
    kind: 'gauge',
    labels: [],
    samples: (reading) => isUp(reading?.connected === true),
  },
  {
    name: 'goshawk_telemetry_durable',
    help: 'Whether what waits for the fleet is kept on the disk: 1 or 0.',
    kind: 'gauge',
    labels: [],
    samples: (reading) => isUp(reading !== null && reading.outbox === null),
  },
  {
    name: 'goshawk_telemetry_unacknowledged',
    help: 'Whether messages are published and nothing acknowledges them: 1 or 0.',
    kind: 'gauge',
    labels: [],
    samples: (reading) => isUp(reading !== null && reading.fleet !== null),
  },
  {
    name: 'goshawk_telemetry_sent_bytes_total',
    help: 'Bytes of messages that the broker took.',
    kind: 'counter',
    labels: [],
    samples: (reading) => [[{}, reading?.sentBytes ?? 0]],
  },
  {
    name: 'goshawk_telemetry_untaken_total',
    help: 'Messages that were made while the thread of telemetry had ended; declared as lost once it runs again.',
    kind: 'counter',
    labels: [],
    samples: (reading) => [[{}, reading?.untaken ?? 0]],
  },
  {
    name: 'goshawk_telemetry_refused_total',
    help: 'Messages to the robot that were refused, by reason, since the thread of telemetry began.',
    kind: 'counter',
    labels: ['stream', 'reason'],
    samples: (reading) =>
      Object.entries(reading?.refused ?? {}).flatMap(([stream, reasons]) =>
        Object.entries(reasons).map(([reason, count]): Sample => [{ stream, reason }, count]),
      ),
  },
  {
    name: 'goshawk_telemetry_produced_total',
    help: 'Messages that were made since the process began.',
    kind: 'counter',
    labels: ['stream'],
    samples: byStream(({ produced }) => produced),
  },
  {
    name: 'goshawk_telemetry_acknowledged_total',
    help: 'Messages that the fleet has stored, those of earlier boots included.',
    kind: 'counter',
    labels: ['stream'],
    samples: byStream(({ delivered }) => delivered),
  },
  {
    name: 'goshawk_telemetry_declared_total',
    help: 'Messages that were declared as lost, by reason, those of earlier boots included.',
    kind: 'counter',
    labels: ['stream', 'reason'],
    samples: (reading) =>
      Object.entries(reading?.streams ?? {}).flatMap(([stream, { declared }]) =>
        Object.entries(declared).map(([reason, count]): Sample => [{ stream, reason }, count]),
      ),
  },
  {
    name: 'goshawk_telemetry_waiting',
    help: 'Messages that wait for the acknowledgement of the fleet.',
    kind: 'gauge',
    labels: ['stream'],
    samples: byStream(({ waiting }) => waiting),
  },
  {
    name: 'goshawk_telemetry_waiting_bytes',
    help: 'Bytes of the messages that wait.',
    kind: 'gauge',
    labels: ['stream'],
    samples: byStream(({ waitingBytes }) => waitingBytes),
  },
  {
    name: 'goshawk_telemetry_oldest_seconds',
    help: 'How long the oldest message has waited, while the device was on; absent where none waits.',
    kind: 'gauge',
    labels: ['stream'],
    samples: byStream(({ oldestSeconds }) => oldestSeconds),
  },
];

/**
 * What becomes of telemetry, by stream.
 * @param status called on every scrape; null before telemetry has started
 */
export function telemetryMetrics(status: () => Reading): ReadMetrics<Reading> {
  return new ReadMetrics(FAMILIES, status);
}
