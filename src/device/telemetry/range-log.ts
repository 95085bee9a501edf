import { rangeText } from '../../contract/quantities.ts';
import type { PeriodicStream } from '../../contract/telemetry/streams.ts';
import { cutText } from '../../core/cut-text.ts';
import { Pace } from '../../core/pace.ts';
import type { Clock } from '../../platform/clock.ts';
import { ReadMetrics, type MetricFamily, type Sample } from '../metrics/read-metrics.ts';
import type { MetricsSource } from '../runtime/part.ts';
import type { OutOfRange } from '../runtime/out-of-range.ts';

/** Between lines about a field: a sensor that is off for good reads as an absurd value in every message. */
const INTERVAL_MS = 3_600_000;

/** Of the name of a sensor, which is whatever its driver calls it. */
const MAX_WORDS = 80;

interface Altered {
  readonly stream: PeriodicStream;
  readonly field: string;
  readonly reason: OutOfRange['reason'];
  count: number;
}

const FAMILIES: readonly MetricFamily<Iterable<Altered>>[] = [
  {
    name: 'goshawk_telemetry_out_of_range_total',
    help:
      'Values that a message has as the end of their range (`clamped`) or lacks (`omitted`), since they were ' +
      'measured beyond it, by stream and field.',
    kind: 'counter',
    labels: ['stream', 'field', 'reason'],
    samples: (altered) => Array.from(altered, ({ count, ...labels }): Sample => [{ ...labels }, count]),
  },
];

/** Counts the values that messages do not carry as they were measured, and logs them without flooding the log. */
export class RangeLog {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #log: (line: string) => void;
  readonly #pace = new Pace(INTERVAL_MS);
  /** by stream, field and reason, of which there is a bounded number */
  readonly #altered = new Map<string, Altered>();
  readonly metrics: MetricsSource = new ReadMetrics(FAMILIES, () => this.#altered.values());

  constructor(clock: Pick<Clock, 'monotonicMs'>, log: (line: string) => void) {
    this.#clock = clock;
    this.#log = log;
  }

  note(stream: PeriodicStream, found: OutOfRange): void {
    for (const field of found.fields) this.#count(stream, field, found.reason);
    const fields = found.fields.join(' and ');
    const heldBack = this.#pace.admit(fields, this.#clock.monotonicMs());
    if (heldBack === null) return;
    const measured = `${cutText(found.what, MAX_WORDS)} is ${String(found.value)}, out of ${rangeText(found.quantity)}`;
    const outcome = found.reason === 'clamped' ? 'sent as the end of the range in' : 'left out of';
    const more = heldBack === 0 ? '' : `; ${String(heldBack)} more since the last such line`;
    this.#log(`telemetry: ${measured}; ${outcome} '${stream}' (${fields})${more}`);
  }

  #count(stream: PeriodicStream, field: string, reason: OutOfRange['reason']): void {
    const key = `${stream} ${field} ${reason}`;
    const altered = this.#altered.get(key) ?? { stream, field, reason, count: 0 };
    altered.count += 1;
    this.#altered.set(key, altered);
  }
}
