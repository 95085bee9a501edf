import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../contract/errors.ts';
import { readInlinePage } from '../../platform/http/inline-page.ts';
import { HttpServer } from '../../platform/http/http-server.ts';
import type { BrokerSecrets } from '../../platform/mqtt/broker-secrets.ts';
import type { TlsFiles } from '../../platform/mqtt/tls-files.ts';
import type { CommitStore } from '../ingest/committer.ts';
import { apiRoutes } from '../api/routes.ts';
import { Ingestor } from '../ingest/ingestor.ts';
import { FleetMetrics } from '../metrics/fleet-metrics.ts';
import type { Database } from '../store/database.ts';
import { summarizeLedger, type LedgerSummary } from '../store/ledger-summary.ts';
import { EmbeddedPostgres } from '../store/embedded/embedded-postgres.ts';
import { MessageStore } from '../store/message-store.ts';
import { embeddedDatabase, openStore } from '../store/open-store.ts';
import { ensurePartitions } from '../store/partitions.ts';
import { keepQuarantined, trimQuarantine } from '../store/quarantine.ts';
import { storeEarly } from './early-store.ts';
import { serviceRoutes } from './routes.ts';

/** One for the batch, one for everything else. */
const CONNECTIONS = 4;
const MAINTENANCE_MS = 600_000;
const KEPT_IN_QUARANTINE = 100_000;

export interface FleetOptions extends BrokerSecrets, TlsFiles {
  /** of brokers */
  readonly mqtt: readonly string[];
  /** URL of a PostgreSQL; if absent, an embedded one */
  readonly database?: string;
  /** of the embedded PostgreSQL */
  readonly folder: string;
  readonly http: { readonly host: string; readonly port: number; readonly allowedHosts: readonly string[] };
  /** acknowledges before the commit; for checks that must find what is lost then */
  readonly areAcksEarly?: boolean;
  /** log, a line each */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const SETTING_NAMES = { address: '--host', port: '--port', allowedHosts: '--allow-host' } as const;

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
    const { mqtt, http, say, areAcksEarly = false, ...rest } = options;
    const database = await this.#openDatabase(options);
    this.#database = database;
    const messages = new MessageStore(database);
    const store: CommitStore['store'] = (batch) => messages.store(batch);
    const metrics = new FleetMetrics(() => ingestor);
    const ingestor: Ingestor = new Ingestor(
      { ...rest, urls: mqtt, say },
      {
        store: areAcksEarly ? storeEarly(store) : store,
        quarantine: (wrong) => keepQuarantined(database, wrong),
        makePartitions: (nowMs) => ensurePartitions(database, nowMs),
      },
      {
        onStored: (counts, seconds) => metrics.noteStored(counts, seconds),
        onRefused: ({ reason }) => metrics.noteRefused(reason),
        onRetry: () => metrics.noteRetry(),
      },
    );
    const page = await readInlinePage(new URL('../web/page/', import.meta.url));
    const server = await HttpServer.listen({
      ...http,
      names: SETTING_NAMES,
      page,
      routes: [
        { path: '/', answer: () => ({ type: 'text/html; charset=utf-8', body: page.html }) },
        ...apiRoutes(database, ingestor.presence),
        ...serviceRoutes(database, ingestor, metrics),
      ],
    });
    this.#closers.push(() => server.close());
    this.#url = server.url;
    ingestor.start();
    this.#closers.push(() => ingestor.stop());
    this.#maintain(database, say);
  }

  async #openDatabase({ database: url, folder, say, signal }: FleetOptions): Promise<Database> {
    if (url !== undefined) return this.#follow(await openStore({ url }, CONNECTIONS, Date.now(), say));
    const server = await EmbeddedPostgres.start({ folder, say, signal });
    this.#closers.push(() => server.stop());
    const address = await embeddedDatabase(server.connection);
    return this.#follow(await openStore(address, CONNECTIONS, Date.now(), say));
  }

  #follow(database: Database): Database {
    this.#closers.push(() => database.close());
    return database;
  }

  /** Partitions of days to come, and bounds of what is kept. */
  #maintain(database: Database, say: (line: string) => void): void {
    const end = new AbortController();
    const { signal } = end;
    const work = async (): Promise<void> => {
      while (!signal.aborted) {
        await sleep(MAINTENANCE_MS, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        try {
          await ensurePartitions(database, Date.now());
          await trimQuarantine(database, KEPT_IN_QUARANTINE);
        } catch (error) {
          say(`maintenance of the database failed and is tried again: ${describeError(error)}`);
        }
      }
    };
    const done = work();
    this.#closers.push(() => {
      end.abort();
      return done;
    });
  }
}
