import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { HostStats } from '../../contract/telemetry/shapes.ts';
import { entryUrl } from '../../platform/entry.ts';
import { sha256Of } from '../../platform/digest.ts';
import type { ResultSink } from '../pipeline/frame/frame-result.ts';
import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';
import { brokerSecrets } from '../../platform/mqtt/broker-secrets.ts';
import { checkBrokerUrl } from '../../platform/mqtt/mqtt-link.ts';
import { TelemetryClient, type TelemetryStatus } from '../telemetry/telemetry-client.ts';
import { TelemetryReporter } from '../telemetry/telemetry-reporter.ts';
import { checkTlsFiles, type TlsFiles } from '../../platform/mqtt/tls-files.ts';
import type { LiveImages } from '../runtime/live-images.ts';
import { WebServer, type WebOptions } from '../web/web-server.ts';
import { healthOf, statusOf } from '../runtime/status.ts';

/** What the service looks at; the pipeline behind it may be loaded, unloaded and loaded again. */
export interface ServiceSources {
  /** figures now; null while nothing is configured */
  snapshot(): PipelineSnapshot | null;
  host(): HostStats;
  metrics(): Promise<string>;
  readonly metricsContentType: string;
  readonly live: LiveImages;
  /** without a frame, after which a camera counts as silent */
  silentAfterMs(): number;
}

export interface TelemetryOptions extends TlsFiles {
  /** broker address without user or password */
  readonly url: string;
  readonly site: string;
  /** the machine's host name where it is empty */
  readonly robot: string;
  /** the detector on the robot: a ROS name such as `/goshawk/detector`, or what an operator calls it */
  readonly node: string;
}

export interface ServiceOptions {
  /** null: no web server */
  readonly web: WebOptions | null;
  /** null: no telemetry */
  readonly telemetry: TelemetryOptions | null;
  readonly telemetryPeriodMs?: number;
  readonly log: (level: 'info' | 'warn', line: string) => void;
  /** told of a part that cannot be started, and the rest is started without it; where it is absent, `start` rejects */
  readonly onRefused?: (error: GoshawkError) => void;
}

const UNCONFIGURED = { ok: false, reasons: ['no model is loaded'] };

/** Longest level of a topic. */
const LONGEST_LEVEL = 64;

/**
 * A name that can be a topic level, from one that may hold anything. Long names stay apart where they differ
 * only behind what fits.
 */
export function topicLevelFrom(name: string): string {
  const cleaned = name.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  if (cleaned.length <= LONGEST_LEVEL) return cleaned === '' ? 'robot' : cleaned;
  const digest = sha256Of(name).slice(0, 8);
  return `${cleaned.slice(0, LONGEST_LEVEL - 9)}-${digest}`;
}

/**
 * What a running device offers besides detections: its web page with status, metrics and health, and its
 * telemetry. Both roots (`goshawk run` and the detector node) start it; neither waits for it. Where the port
 * is in use or the broker is away, perception can go on: the first is refused with a coded error at start,
 * the second is tried again.
 */
export class DeviceService {
  readonly #web: WebServer | null;
  readonly #telemetry: TelemetryClient | null;
  readonly #reporter: TelemetryReporter | null;

  private constructor(
    web: WebServer | null,
    telemetry: TelemetryClient | null,
    reporter: TelemetryReporter | null,
  ) {
    this.#web = web;
    this.#telemetry = telemetry;
    this.#reporter = reporter;
  }

  /**
   * @throws GoshawkError GOSHAWK_PORT_IN_USE, GOSHAWK_PARAMETER_INVALID, GOSHAWK_FILE_UNREADABLE, unless
   *   `onRefused` hears of them
   */
  static async start(options: ServiceOptions, sources: ServiceSources): Promise<DeviceService> {
    const telemetry = await unlessRefused(options, ({ telemetry: preferred, log }) =>
      preferred === null ? null : startTelemetry(preferred, log),
    );
    const reporter = telemetry === null ? null : startReporter(telemetry, sources, options);
    try {
      const web = await unlessRefused(options, ({ web: preferred }) =>
        preferred === null ? null : startWeb(preferred, sources, telemetry),
      );
      if (web !== null) options.log('info', `web page: ${web.url}`);
      return new DeviceService(web, telemetry, reporter);
    } catch (error) {
      reporter?.stop();
      await telemetry?.close();
      throw error;
    }
  }

  /** address of the page; null where there is none */
  get url(): string | null {
    return this.#web?.url ?? null;
  }

  /** how the link to the broker is; null where telemetry is off */
  get telemetry(): TelemetryStatus | null {
    return this.#telemetry?.status ?? null;
  }

  /** belongs among the pipeline's sinks; null where telemetry is off */
  get sink(): ResultSink | null {
    return this.#reporter?.sink ?? null;
  }

  /**
   * Told when a pipeline comes and when one goes, while `snapshot` still answers for what was there before:
   * telemetry ends its window there, since the next pipeline counts from 0.
   */
  turn(): void {
    this.#reporter?.turn();
  }

  /** Sends the last window, says OFFLINE, and closes the page. */
  async close(): Promise<void> {
    this.#reporter?.close();
    await Promise.all([this.#telemetry?.close(), this.#web?.close()]);
  }
}

/** Starts a part; `null` where it is refused with a coded error and somebody hears of that. */
async function unlessRefused<Part>(
  options: ServiceOptions,
  start: (options: ServiceOptions) => Part | Promise<Part>,
): Promise<Part | null> {
  try {
    return await start(options);
  } catch (error) {
    if (options.onRefused === undefined || !(error instanceof GoshawkError)) throw error;
    options.onRefused(error);
    return null;
  }
}

async function startTelemetry(
  options: TelemetryOptions,
  log: ServiceOptions['log'],
): Promise<TelemetryClient> {
  const { url } = options;
  checkBrokerUrl(url);
  for (const warning of await checkTlsFiles(url, options, new Date())) log('warn', `telemetry: ${warning}`);
  const secrets = await brokerSecrets(process.env);
  let lastTrouble = '';
  return new TelemetryClient(
    {
      ...options,
      robot: options.robot === '' ? topicLevelFrom(hostname()) : options.robot,
      node: topicLevelFrom(options.node),
      manufacturer: 'Goshawk',
      bootId: randomUUID(),
      ...secrets,
    },
    entryUrl(import.meta.url, '../telemetry/telemetry-main.ts'),
    (status) => {
      const trouble = status.reason === '' ? '' : wordsOf(url, status);
      if (trouble === '') log('info', `telemetry: connected to ${url} by MQTT ${status.protocol}`);
      if (trouble !== '' && trouble !== lastTrouble) log('warn', trouble);
      lastTrouble = trouble;
    },
  );
}

function wordsOf(url: string, { code, reason }: TelemetryStatus): string {
  return describeError(
    new GoshawkError(code ?? 'GOSHAWK_INTERNAL', { url, reason, file: 'a TLS file of telemetry' }),
  );
}

function startReporter(
  telemetry: TelemetryClient,
  sources: ServiceSources,
  options: ServiceOptions,
): TelemetryReporter {
  return new TelemetryReporter(
    { snapshot: () => sources.snapshot(), host: () => sources.host(), now: () => new Date() },
    telemetry,
    (error) => options.log('warn', `telemetry: ${describeError(error)}`),
    options.telemetryPeriodMs,
  );
}

function startWeb(
  options: WebOptions,
  sources: ServiceSources,
  telemetry: TelemetryClient | null,
): Promise<WebServer> {
  return WebServer.listen(options, {
    status: () => {
      const snapshot = sources.snapshot();
      return snapshot === null
        ? null
        : statusOf(snapshot, telemetry?.status ?? null, sources.silentAfterMs());
    },
    health: () => {
      const snapshot = sources.snapshot();
      return snapshot === null ? UNCONFIGURED : healthOf(snapshot, sources.silentAfterMs());
    },
    metrics: () => sources.metrics(),
    metricsContentType: sources.metricsContentType,
    live: sources.live,
  });
}
