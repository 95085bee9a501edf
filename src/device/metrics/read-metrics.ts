import { Counter, Gauge, Registry } from 'prom-client';
import type { MetricsSource } from '../runtime/part.ts';

/** A value with the values of its labels. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A metric family that is read on each scrape. */
export interface MetricFamily<Reading> {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  /** labels of each sample */
  readonly labels: readonly string[];
  /** what has no value has no sample */
  readonly samples: (reading: Reading) => Iterable<Sample>;
}

/** Metrics of something that counts by itself: all are set from one reading per scrape. */
export class ReadMetrics<Reading> implements MetricsSource {
  readonly #registry = new Registry();
  readonly #read: () => Reading;
  readonly #refreshers: readonly ((reading: Reading) => void)[];

  constructor(families: readonly MetricFamily<Reading>[], read: () => Reading) {
    this.#read = read;
    this.#refreshers = families.map((family) => this.#register(family));
  }

  text(): Promise<string> {
    const reading = this.#read();
    for (const refresh of this.#refreshers) refresh(reading);
    return this.#registry.metrics();
  }

  #register({ name, help, kind, labels, samples }: MetricFamily<Reading>): (reading: Reading) => void {
    const options = { name, help, labelNames: [...labels], registers: [this.#registry] };
    const metric = kind === 'gauge' ? new Gauge(options) : new Counter(options);
    return (reading) => {
      metric.reset();
      for (const [values, amount] of samples(reading)) metric.inc({ ...values }, amount);
    };
  }
}
