import { Notices } from '../ingest/notices.ts';
import { LatestCollector } from '../latest/collector.ts';
import { backfillDrift } from '../rollup/drift-backfill.ts';
import { makeDueRollups, rollupLagSeconds } from '../rollup/rollup-store.ts';
import type { Database } from '../store/database.ts';
import { ensurePartitions } from '../store/partitions.ts';
import { trimQuarantine } from '../store/quarantine.ts';
import { dropOldPartitions, type Retention } from '../store/retention.ts';
import { settleLedger } from '../store/settle-ledger.ts';
import { JobRunner, type Job, type JobHealth } from './job-runner.ts';

const ROLLUP_MS = 2_000;
/** Of windows from before their rollups; on most databases there are none. */
const BACKFILL_MS = 10_000;
const LATEST_MS = 500;
const SETTLE_MS = 120_000;
const MAINTENANCE_MS = 600_000;
const KEPT_SAMPLES = 100_000;
/** Rollups are seconds behind; a page that is this far behind misleads. */
const LAG_LIMIT_SECONDS = 900;
/** A job may fail while the database restarts. */
const FAILURE_LIMIT_SECONDS = 900;

export interface FleetJobsOptions {
  readonly retention: Retention;
  /** log, a line each */
  readonly say: (line: string) => void;
}

/** What a process does to the database besides storing: rollups, partitions to come, the end of what is too old. */
export class FleetJobs {
  readonly #runner: JobRunner;
  /** of messages that this process stored */
  readonly latest = new LatestCollector();
  readonly #database: Database;
  #lagSeconds = 0;
  #rollups = 0;
  #postponed = 0;
  #settled = 0;
  #reopened = 0;

  constructor(database: Database, { retention, say }: FleetJobsOptions) {
    this.#database = database;
    const notices = new Notices(say);
    const rollups = async (): Promise<boolean> => {
      const made = await makeDueRollups(database, new Date(), ({ sender, bucketMs, reason }) => {
        this.#postponed += 1;
        const time = new Date(bucketMs).toISOString();
        notices.note(
          'postponed',
          `put off the rollup of sender ${sender} at ${time} by 10 minutes: ${reason}`,
        );
      });
      this.#rollups += made;
      this.#lagSeconds = await rollupLagSeconds(database);
      return made > 0;
    };
    const old = async (): Promise<void> => {
      const { dropped, waiting } = await dropOldPartitions(database, retention, Date.now());
      for (const name of dropped) say(`dropped ${name}: it is older than it is kept`);
      for (const name of waiting) say(`kept ${name}, which is old: it is not rolled up yet`);
    };
    const settle = async (): Promise<boolean> => {
      const { settled, reopened, isMore } = await settleLedger(database, Date.now());
      this.#settled += settled;
      this.#reopened += reopened;
      return isMore;
    };
    this.#runner = new JobRunner(
      [
        { name: 'rollups', periodMs: ROLLUP_MS, run: rollups },
        { name: 'backfill', periodMs: BACKFILL_MS, run: () => backfillDrift(database) },
        { name: 'latest', periodMs: LATEST_MS, run: () => this.latest.flush(database) },
        { name: 'ledger', periodMs: SETTLE_MS, run: settle },
        once('partitions', () => ensurePartitions(database, Date.now())),
        once('retention', old),
        once('quarantine', () => trimQuarantine(database, KEPT_SAMPLES)),
      ],
      say,
    );
  }

  start(): void {
    this.#runner.start();
  }

  /** Ends after what was stored until then is on the board. */
  async stop(): Promise<void> {
    await this.#runner.stop();
    await this.latest.flush(this.#database).catch(() => undefined);
  }

  /** Rollups of five minutes that this process made. */
  get rollups(): number {
    return this.#rollups;
  }

  /** How often this process put off a rollup because the database refused a value of it. */
  get postponed(): number {
    return this.#postponed;
  }

  /** Rows of the ledger that this process settled, and those that it found open again. */
  get ledger(): { readonly settled: number; readonly reopened: number } {
    return { settled: this.#settled, reopened: this.#reopened };
  }

  /** For how long the first rollup that is not made has been due, as this process saw it last. */
  get lagSeconds(): number {
    return this.#lagSeconds;
  }

  health(): readonly JobHealth[] {
    return this.#runner.health();
  }

  /** What is wrong, in words. */
  reasons(): readonly string[] {
    const failing = this.health()
      .filter(({ error, secondsSinceSuccess }) => error !== '' && secondsSinceSuccess > FAILURE_LIMIT_SECONDS)
      .map(
        ({ name, error, secondsSinceSuccess }) =>
          `job ${name} fails since ${secondsSinceSuccess.toFixed(0)} s: ${error}`,
      );
    const isLate = this.#lagSeconds > LAG_LIMIT_SECONDS;
    return isLate ? [...failing, `rollups are ${this.#lagSeconds.toFixed(0)} s behind`] : failing;
  }
}

function once(name: string, work: () => Promise<void>): Job {
  return {
    name,
    periodMs: MAINTENANCE_MS,
    run: async () => {
      await work();
      return false;
    },
  };
}
