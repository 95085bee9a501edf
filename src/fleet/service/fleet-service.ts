import type { BrokerSecrets } from '../../platform/mqtt/broker-secrets.ts';
import type { TlsFiles } from '../../platform/mqtt/tls-files.ts';
import { ClipFetcher } from '../clips/clip-fetcher.ts';
import type { CommitStore } from '../ingest/committer.ts';
import { Ingestor } from '../ingest/ingestor.ts';
import { FleetJobs } from '../jobs/fleet-jobs.ts';
import { FleetMetrics } from '../metrics/fleet-metrics.ts';
import type { Database, DatabaseAddress } from '../store/database.ts';
import { summarizeLedger, type LedgerSummary } from '../store/ledger-summary.ts';
import { EmbeddedPostgres } from '../store/embedded/embedded-postgres.ts';
import { MessageStore } from '../store/message-store.ts';
import { connectDatabase, embeddedDatabase, openStore } from '../store/open-store.ts';
import { ensurePartitions } from '../store/partitions.ts';
import { QuarantineStore } from '../store/quarantine.ts';
import { DEFAULT_RETENTION, type Retention } from '../store/retention.ts';
import { storeEarly } from './early-store.ts';
import { listenHttp, type HttpOptions } from './http.ts';

/** Two for the batches, one for the jobs. */
const WORK_CONNECTIONS = 3;
/** What is asked by HTTP has its own connections and a limit, so slow questions do not keep messages waiting. */
const HTTP_CONNECTIONS = 4;
const HTTP_STATEMENT_LIMIT_MS = 10_000;

export interface FleetOptions extends BrokerSecrets, TlsFiles {
  /** of brokers */
  readonly mqtt: readonly string[];
  /** URL of a PostgreSQL; if absent, an embedded one */
  readonly database?: string;
  /** of the embedded PostgreSQL */
  readonly folder: string;
  readonly http: HttpOptions;
  /** for how long things are kept; if absent, `DEFAULT_RETENTION` */
  readonly retention?: Retention;
  /** besides what it needs, of the embedded PostgreSQL; for checks that break it */
  readonly postgresEnv?: Readonly<Record<string, string>>;
  /** acknowledges before the commit; for checks that must find what is lost then */
  readonly areAcksEarly?: boolean;
  /** folder for clips of robots; none are kept if absent */
  readonly clips?: string;
  /** that clips in that folder may take */
  readonly clipBudgetBytes?: number;
  /** log, a line each */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** 20 GiB */
export const DEFAULT_CLIP_BUDGET_BYTES = 20 * 1024 ** 3;

/** The fleet's end of telemetry: database, ingestor, and what others ask of them by HTTP. */
export class FleetService {
  readonly #closers: (() => Promise<void>)[] = [];
  #url = '';
  #database: Database | null = null;

  /** Starts everything, in order. @throws GoshawkError what could not be started, after ending what was */
  static async start(options: FleetOptions): Promise<FleetService> {
    const service = new FleetService();
    try {
      await service.#start(options);
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  /** `http://HOST:PORT` */
  get url(): string {
    return this.#url;
  }

  /** What is stored and what is missing, of all robots. Throws as `Database.query` does. */
  summary(): Promise<LedgerSummary> {
    return this.#database === null
      ? Promise.resolve({ stored: 0, holes: 0 })
      : summarizeLedger(this.#database);
  }

  /** Ends everything in reverse order. */
  async stop(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  async #start(options: FleetOptions): Promise<void> {
    const { mqtt, http, say, areAcksEarly = false, clips: folder = null, ...rest } = options;
    const address = await this.#findDatabase(options);
    const database = this.#follow(await openStore(address, WORK_CONNECTIONS, Date.now(), say));
    const asked = this.#follow(connectDatabase(address, HTTP_CONNECTIONS, HTTP_STATEMENT_LIMIT_MS));
    this.#database = database;
    const messages = new MessageStore(database);
    const quarantine = new QuarantineStore(database);
    const jobs = new FleetJobs(database, { retention: options.retention ?? DEFAULT_RETENTION, say });
    const store: CommitStore['store'] = async (batch) => {
      const counts = await messages.store(batch);
      jobs.latest.note(batch.filter((message) => !counts.beyond.has(message)));
      return counts;
    };
    const keep: CommitStore['quarantine'] = async (wrong) => {
      const areWhole = await quarantine.keep(wrong);
      jobs.latest.noteSenders(
        wrong.flatMap(({ identity }, at) =>
          identity !== null && areWhole[at] === true ? identity.sender : [],
        ),
      );
      return areWhole;
    };
    const { clipBudgetBytes: budgetBytes = DEFAULT_CLIP_BUDGET_BYTES } = options;
    const clips = new ClipFetcher({ folder, budgetBytes, nowMs: () => performance.now(), say });
    const metrics = new FleetMetrics(() => ({ ingestor, jobs, clips }));
    const ingestor: Ingestor = new Ingestor(
      { ...rest, urls: mqtt, say },
      {
        store: areAcksEarly ? storeEarly(store) : store,
        quarantine: keep,
        makePartitions: (nowMs) => ensurePartitions(database, nowMs),
      },
      {
        onStored: (counts, seconds) => metrics.noteStored(counts, seconds),
        onRefused: ({ reason }) => metrics.noteRefused(reason),
        onDeferred: () => metrics.noteDeferred(),
        onRetry: () => metrics.noteRetry(),
        onChunk: (topic, payload) => void clips.take(topic, payload),
      },
    );
    const server = await listenHttp(http, { database: asked, ingestor, jobs, metrics, clips, say });
    this.#closers.push(() => server.close());
    this.#url = server.url;
    jobs.start();
    this.#closers.push(() => jobs.stop());
    ingestor.start();
    clips.start((topic, payload) => ingestor.tell(topic, payload));
    this.#closers.push(() => Promise.resolve(clips.stop()));
    this.#closers.push(() => ingestor.stop());
  }

  async #findDatabase(options: FleetOptions): Promise<DatabaseAddress> {
    const { database: url, folder, say, signal, postgresEnv: env = {} } = options;
    if (url !== undefined) return { url };
    const server = await EmbeddedPostgres.start({ folder, say, signal, env });
    this.#closers.push(() => server.stop());
    return embeddedDatabase(server.connection);
  }

  #follow(database: Database): Database {
    this.#closers.push(() => database.close());
    return database;
  }
}
