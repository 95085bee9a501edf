import { readInlinePage } from '../../platform/http/inline-page.ts';
import { HttpServer } from '../../platform/http/http-server.ts';
import { systemClock } from '../../platform/clock.ts';
import { Access } from '../access/access.ts';
import { AccessGate } from '../access/access-gate.ts';
import { sessionRoutes } from '../access/session-routes.ts';
import { changeRoutes } from '../api/change-routes.ts';
import { clipRoutes } from '../api/clip-routes.ts';
import { liveRoutes } from '../api/live-routes.ts';
import { apiRoutes } from '../api/routes.ts';
import { warmUp } from '../api/warm-up.ts';
import { RobotBoard } from '../board/robot-board.ts';
import type { ClipFetcher } from '../clips/clip-fetcher.ts';
import { Downloads } from '../clips/downloads.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import { Notices } from '../ingest/notices.ts';
import type { FleetJobs } from '../jobs/fleet-jobs.ts';
import { LiveFeed } from '../live/live-feed.ts';
import type { FleetMetrics } from '../metrics/fleet-metrics.ts';
import type { Database } from '../store/database.ts';
import { readChanges } from '../store/read-changes.ts';
import { TriageDesk } from '../triage/triage-desk.ts';
import { findToken, isAnyTokenMade, noteTokenUse } from '../store/tokens.ts';
import { PAGE_FOLDER, PAGE_PACKAGES } from '../web/page-files.ts';
import { chooseAccessMode } from './access-mode.ts';
import { serviceRoutes } from './routes.ts';

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  /** addresses or networks of proxies whose `X-Forwarded-For` is believed; none if absent */
  readonly trustedProxies?: readonly string[];
  /** nobody needs a token to read; false if absent */
  readonly isInsecure?: boolean;
  /** requests a second of each token, or of each address without one; 50 if absent */
  readonly rateLimit?: number;
}

/** What the server shows. */
export interface HttpSources {
  readonly database: Database;
  readonly ingestor: Pick<Ingestor, 'presence' | 'links'>;
  readonly jobs: Pick<FleetJobs, 'reasons'>;
  readonly metrics: FleetMetrics;
  readonly clips: ClipFetcher;
  readonly say: (line: string) => void;
}

const DEFAULT_RATE = 50;
/** A page that opens asks for several things at once. */
const BURST_SECONDS = 4;
const SETTING_NAMES = {
  address: '--host',
  port: '--port',
  allowedHosts: '--allow-host',
  trustedProxies: '--trust-proxy',
} as const;

/** A server that listens, and how it ends. */
export interface FleetHttp {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The page, the API, and what supervisors ask for.
 * @throws GoshawkError GOSHAWK_TOKENS_REQUIRED; as `HttpServer.listen` and `Database.query` do
 */
export async function listenHttp(options: HttpOptions, sources: HttpSources): Promise<FleetHttp> {
  const { host, isInsecure = false, rateLimit = DEFAULT_RATE } = options;
  const { database, ingestor, jobs, metrics, clips, say } = sources;
  const mode = await chooseAccessMode(database, { host, isInsecure, say });
  const access = new Access(
    {
      find: (id) => findToken(database, id),
      noteUse: (id) => noteTokenUse(database, id),
      isAnyMade: () => isAnyTokenMade(database),
    },
    { mode, requests: { burst: BURST_SECONDS * rateLimit, perSecond: rateLimit } },
  );
  const gate = new AccessGate(
    access,
    { onRefused: (reason) => metrics.noteHttpRefused(reason) },
    new Notices(say),
  );
  const feed = new LiveFeed({
    changedSince: async (sinceMs) => [
      ...(await readChanges(database, new Date(sinceMs))),
      ...ingestor.presence.changedSince(sinceMs),
    ],
    onCut: () => metrics.noteStreamCut(),
    clock: systemClock,
  });
  const downloads = new Downloads({
    nowMs: () => performance.now(),
    onEnd: (end) => metrics.noteDownload(end),
  });
  const board = new RobotBoard(database, ingestor.presence);
  await warmUp(database, board, new Date());
  metrics.followStreams(() => feed.clients);
  metrics.followDownloads(() => downloads.running);
  const desk = new TriageDesk(database);
  metrics.followTriage(() => desk.counts(new Date()));
  metrics.followRobots(() => board.all(new Date()));
  const page = await readInlinePage(PAGE_FOLDER, PAGE_PACKAGES);
  const server = await HttpServer.listen({
    ...options,
    names: SETTING_NAMES,
    page,
    routes: [
      { path: '/', answer: () => ({ type: 'text/html; charset=utf-8', body: page.html }) },
      ...apiRoutes(database, board, desk, gate),
      ...changeRoutes(database, gate),
      ...clipRoutes(database, clips, downloads, gate),
      ...liveRoutes(feed, gate),
      ...sessionRoutes(gate),
      ...serviceRoutes(database, ingestor, jobs, metrics, gate),
    ],
  });
  downloads.start();
  return {
    url: server.url,
    close: () => {
      feed.close();
      downloads.stop();
      return server.close();
    },
  };
}
