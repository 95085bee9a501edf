import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WrongReason } from '../ingest/check-message.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import type { StoreCounts } from '../store/message-store.ts';

const COMMIT_SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** What is read of an ingestor. */
type IngestState = Pick<Ingestor, 'links' | 'waiting' | 'lagSeconds' | 'acks'>;

/** What an ingestor did and how far behind it is, for Prometheus. */
export class FleetMetrics {
  readonly #registry = new Registry();
  readonly #stored: Counter<'stream'>;
  readonly #duplicates: Counter<'stream'>;
  readonly #refused: Counter<'reason'>;
  readonly #retries: Counter;
  readonly #commits: Histogram;

  /** @param ingestor read for each scrape */
  constructor(ingestor: () => IngestState) {
    const registers = [this.#registry];
    const counter = <Label extends string>(
      name: string,
      help: string,
      ...labelNames: Label[]
    ): Counter<Label> => new Counter({ name, help, labelNames, registers });
    const gauge = (name: string, help: string, read: (ingestor: IngestState) => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read(ingestor()));
        },
      });
    };
    this.#stored = counter('goshawk_fleet_messages_total', 'Messages stored, by stream.', 'stream');
    this.#duplicates = counter(
      'goshawk_fleet_duplicates_total',
      'Messages that were stored already and acknowledged again, by stream.',
      'stream',
    );
    this.#refused = counter(
      'goshawk_fleet_refused_total',
      'Messages that were not stored as what they claim to be, by reason.',
      'reason',
    );
    this.#retries = counter('goshawk_fleet_retries_total', 'Transactions that failed and were tried again.');
    this.#commits = new Histogram({
      name: 'goshawk_fleet_commit_seconds',
      help: 'Time that the database takes to store a batch.',
      buckets: COMMIT_SECONDS,
      registers,
    });
    gauge(
      'ingest_lag_seconds',
      'Age of the oldest message that was received and is not stored; scale out when it grows.',
      ({ lagSeconds }) => lagSeconds,
    );
    gauge('goshawk_fleet_waiting_messages', 'Messages received and not stored.', ({ waiting }) => waiting);
    gauge(
      'goshawk_fleet_brokers_connected',
      'Brokers that this ingestor is subscribed at.',
      (one) => one.links().filter(({ isUp }) => isUp).length,
    );
    gauge('goshawk_fleet_acks_sent', 'Acknowledgements sent to robots.', ({ acks }) => acks.sent);
    gauge(
      'goshawk_fleet_acks_waiting',
      'Robots whose acknowledgement waits for the broker.',
      ({ acks }) => acks.waiting,
    );
    gauge(
      'goshawk_fleet_acks_dropped',
      'Acknowledgements given up because too many waited; robots send those messages again.',
      ({ acks }) => acks.dropped,
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  noteStored({ stored, duplicates }: StoreCounts, seconds: number): void {
    for (const [stream, count] of stored) this.#stored.inc({ stream }, count);
    for (const [stream, count] of duplicates) this.#duplicates.inc({ stream }, count);
    this.#commits.observe(seconds);
  }

  noteRefused(reason: WrongReason): void {
    this.#refused.inc({ reason });
  }

  noteRetry(): void {
    this.#retries.inc();
  }
}
