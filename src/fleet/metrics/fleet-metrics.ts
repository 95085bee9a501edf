import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ClipFetcher } from '../clips/clip-fetcher.ts';
import type { DownloadEnd } from '../clips/downloads.ts';
import type { WrongReason } from '../check/refused.ts';
import type { DenialReason } from '../access/denials.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import type { FleetJobs } from '../jobs/fleet-jobs.ts';
import type { JobHealth } from '../jobs/job-runner.ts';
import type { StoreCounts } from '../store/message-store.ts';
import { countBySite, type CountedRobot } from './site-counts.ts';
import type { TriageCounts } from '../triage/triage-desk.ts';

const COMMIT_SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** What is read for each scrape. */
interface FleetState {
  readonly ingestor: Pick<Ingestor, 'links' | 'waiting' | 'lagSeconds' | 'acks' | 'presence'>;
  readonly jobs: Pick<FleetJobs, 'health' | 'lagSeconds' | 'rollups' | 'postponed' | 'ledger'>;
  readonly clips: Pick<ClipFetcher, 'kept'>;
}

/** What an ingestor did and how far behind it is, for Prometheus. */
export class FleetMetrics {
  readonly #registry = new Registry();
  readonly #stored: Counter<'stream'>;
  readonly #duplicates: Counter<'stream'>;
  readonly #refused: Counter<'reason'>;
  readonly #deferred: Counter;
  readonly #retries: Counter;
  readonly #commits: Histogram;
  readonly #httpRefused: Counter<'reason'>;
  readonly #streamsCut: Counter;
  readonly #downloads: Counter<'end'>;
  #streams: () => number = () => 0;
  #downloading: () => number = () => 0;
  #robots: () => Promise<readonly CountedRobot[]> = () => Promise.resolve([]);
  #triage: () => TriageCounts = () => ({ cameras: [], answers: new Map(), ageSeconds: 0 });

  /** @param state read for each scrape */
  constructor(state: () => FleetState) {
    const registers = [this.#registry];
    const counter = <Label extends string>(
      name: string,
      help: string,
      ...labelNames: Label[]
    ): Counter<Label> => new Counter({ name, help, labelNames, registers });
    const gauge = (name: string, help: string, read: (state: FleetState) => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read(state()));
        },
      });
    };
    const jobGauge = (name: string, help: string, read: (job: JobHealth) => number): void => {
      new Gauge({
        name,
        help,
        labelNames: ['job'],
        registers,
        collect() {
          for (const job of state().jobs.health()) this.set({ job: job.name }, read(job));
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
    this.#deferred = counter(
      'goshawk_fleet_deferred_total',
      'Messages not taken because their robot had more than its share waiting; it sends them again.',
    );
    this.#retries = counter('goshawk_fleet_retries_total', 'Transactions that failed and were tried again.');
    this.#commits = new Histogram({
      name: 'goshawk_fleet_commit_seconds',
      help: 'Time that the database takes to store a batch.',
      buckets: COMMIT_SECONDS,
      registers,
    });
    this.#httpRefused = counter(
      'goshawk_fleet_http_refused_total',
      'Requests that were not let in: no token or a wrong one, the role, the origin, too many; by reason.',
      'reason',
    );
    this.#streamsCut = counter(
      'goshawk_fleet_streams_cut_total',
      'Streams of live changes that were ended because the client did not read.',
    );
    this.#downloads = counter(
      'goshawk_fleet_clip_downloads_total',
      'Downloads of clips, or of parts of them, that ended: read to the last byte, left by the client, stalled (the ' +
        'client took nothing for a minute), dismissed (its token ended), failed; by end.',
      'end',
    );
    this.#countRobots(
      'goshawk_fleet_robots',
      'Robots, by site and state; small sites together.',
      'state',
      (robot) => [robot.liveness],
    );
    this.#countRobots(
      'goshawk_fleet_robots_in_trouble',
      'Robots with a kind of trouble, by site; small sites together.',
      'trouble',
      ({ troubles }) => troubles.map(({ kind }) => kind),
    );
    this.#countTriage();
    gauge('goshawk_fleet_streams', 'Streams of live changes that are open.', () => this.#streams());
    gauge('goshawk_fleet_clip_downloads', 'Downloads of clips that run.', () => this.#downloading());
    gauge(
      'ingest_lag_seconds',
      'Age of the oldest message that was received and is not stored; scale out when it grows.',
      ({ ingestor }) => ingestor.lagSeconds,
    );
    gauge(
      'goshawk_fleet_waiting_messages',
      'Messages received and not stored.',
      ({ ingestor }) => ingestor.waiting,
    );
    gauge(
      'goshawk_fleet_brokers_connected',
      'Brokers that this ingestor is subscribed at.',
      ({ ingestor }) => ingestor.links().filter(({ isUp }) => isUp).length,
    );
    gauge(
      'goshawk_fleet_detectors_connected',
      'Detectors that are connected to one of its brokers, by what they or the broker said last.',
      ({ ingestor }) => ingestor.presence.connected,
    );
    gauge(
      'goshawk_fleet_acks_sent',
      'Acknowledgements sent to robots.',
      ({ ingestor }) => ingestor.acks.sent,
    );
    gauge(
      'goshawk_fleet_acks_waiting',
      'Robots whose acknowledgement waits for the broker.',
      ({ ingestor }) => ingestor.acks.waiting,
    );
    gauge(
      'goshawk_fleet_acks_dropped',
      'Acknowledgements given up because too many waited; robots send those messages again.',
      ({ ingestor }) => ingestor.acks.dropped,
    );
    gauge(
      'goshawk_fleet_rollup_lag_seconds',
      'For how long the first rollup that is not made has been due.',
      ({ jobs }) => jobs.lagSeconds,
    );
    gauge('goshawk_fleet_rollups_made', 'Rollups of five minutes made.', ({ jobs }) => jobs.rollups);
    gauge(
      'goshawk_fleet_rollups_postponed',
      'How often a rollup was put off because the database refused a value of it; the log says why.',
      ({ jobs }) => jobs.postponed,
    );
    gauge(
      'goshawk_fleet_ledger_settled',
      'Rows of the ledger (a stream in a boot) that did not change for an hour and were added up.',
      ({ jobs }) => jobs.ledger.settled,
    );
    gauge(
      'goshawk_fleet_ledger_reopened',
      'Rows of the ledger that changed after they were added up: a late message of an old boot, or a stream that ' +
        'is rarely used.',
      ({ jobs }) => jobs.ledger.reopened,
    );
    gauge(
      'goshawk_fleet_clips_bytes',
      'Bytes of clips in the folder, when one was asked for last, or within the hour; 0 without a folder.',
      ({ clips }) => clips.kept?.bytes ?? 0,
    );
    gauge(
      'goshawk_fleet_clips_budget_bytes',
      'Bytes that clips in the folder may take; 0 without a folder.',
      ({ clips }) => clips.kept?.budgetBytes ?? 0,
    );
    gauge(
      'goshawk_fleet_clips_removed',
      'Clips, or parts of them, that were removed to make room for others.',
      ({ clips }) => clips.kept?.removed ?? 0,
    );
    jobGauge(
      'goshawk_fleet_job_failures',
      'Failures of a job on the database, which is tried again, by job.',
      ({ failures }) => failures,
    );
    jobGauge(
      'goshawk_fleet_job_success_age_seconds',
      'Time since a job on the database succeeded, by job.',
      ({ secondsSinceSuccess }) => secondsSinceSuccess,
    );
  }

  #countRobots(
    name: string,
    help: string,
    label: string,
    whats: (robot: CountedRobot) => readonly string[],
  ): void {
    const read = (): Promise<readonly CountedRobot[]> => this.#robots().catch(() => []);
    new Gauge({
      name,
      help,
      labelNames: ['site', label],
      registers: [this.#registry],
      async collect() {
        const counts = countBySite(await read(), whats);
        this.reset();
        for (const { site, what, robots } of counts) this.set({ site, [label]: what }, robots);
      },
    });
  }

  #countTriage(): void {
    const read = (): TriageCounts => this.#triage();
    const registers = [this.#registry];
    new Gauge({
      name: 'goshawk_fleet_cameras_drift',
      help:
        'Of the cameras that triage looked at (2,000 at most, those that drift first), by site and state of their ' +
        'newest verdict of the last half hour; small sites together.',
      labelNames: ['site', 'state'],
      registers,
      collect() {
        const counts = countBySite(read().cameras, ({ state }) => [state]);
        this.reset();
        for (const { site, what, robots: cameras } of counts) this.set({ site, state: what }, cameras);
      },
    });
    new Gauge({
      name: 'goshawk_fleet_triage_answers',
      help: 'What triage named when it was counted last, by kind: camera, robot, site, season, model.',
      labelNames: ['kind'],
      registers,
      collect() {
        this.reset();
        for (const [kind, count] of read().answers) this.set({ kind }, count);
      },
    });
    new Gauge({
      name: 'goshawk_fleet_triage_age_seconds',
      help:
        'Time since triage was counted, or first asked for; scrapes have it counted anew after a minute, and it ' +
        'grows if that fails.',
      registers,
      collect() {
        this.set(read().ageSeconds);
      },
    });
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

  noteDeferred(): void {
    this.#deferred.inc();
  }

  noteHttpRefused(reason: DenialReason): void {
    this.#httpRefused.inc({ reason });
  }

  noteStreamCut(): void {
    this.#streamsCut.inc();
  }

  noteDownload(end: DownloadEnd): void {
    this.#downloads.inc({ end });
  }

  /** @param read robots as they are now, for each scrape; one that fails leaves their metrics out */
  followRobots(read: () => Promise<readonly CountedRobot[]>): void {
    this.#robots = read;
  }

  /** @param read what triage counted last, for each scrape */
  followTriage(read: () => TriageCounts): void {
    this.#triage = read;
  }

  /** @param count streams that are open, read for each scrape */
  followStreams(count: () => number): void {
    this.#streams = count;
  }

  /** @param count downloads that run, read for each scrape */
  followDownloads(count: () => number): void {
    this.#downloading = count;
  }

  noteRetry(): void {
    this.#retries.inc();
  }
}
