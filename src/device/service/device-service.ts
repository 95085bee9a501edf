import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { MetricsBody } from '../../contract/telemetry.ts';
import type { ResultSink } from '../pipeline/frame-result.ts';
import type { PipelineSnapshot } from '../pipeline/snapshot.ts';
import { brokerSecrets, TelemetryClient, type TelemetryStatus } from '../telemetry/telemetry-client.ts';
import { TelemetryReporter } from '../telemetry/telemetry-reporter.ts';
import { WebServer, type LivePictures } from '../web/web-server.ts';
import { healthOf, statusOf } from './status.ts';

/** What the service looks at; the pipeline behind it may be loaded, unloaded and loaded again. */
export interface ServiceSources {
  /** figures now; null while nothing is configured */
  snapshot(): PipelineSnapshot | null;
  host(): MetricsBody['host'];
  metrics(): Promise<string>;
  readonly metricsContentType: string;
  readonly live: LivePictures;
}

export interface TelemetryOptions {
  /** broker address without user or password */
  readonly url: string;
  readonly site: string;
  /** the machine's host name where it is empty */
  readonly robot: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface ServiceOptions {
  /** null: no web server */
  readonly web: { readonly host: string; readonly port: number } | null;
  /** null: no telemetry */
  readonly telemetry: TelemetryOptions | null;
  readonly telemetryPeriodMs?: number;
  readonly log: (level: 'info' | 'warn', line: string) => void;
  /** told of a part that cannot be started, and the rest is started without it; where it is absent, `start` rejects */
  readonly onRefused?: (error: GoshawkError) => void;
}

/** Where the telemetry thread's code lies: beside this file, in the same form (.ts under a test runner would not start). */
const TELEMETRY_ENTRY = new URL('../telemetry/telemetry-main.js', import.meta.url);

const UNCONFIGURED = { ok: false, reasons: ['no model is loaded'] };

/** A name that can be a topic level, from one that may hold anything. */
export function topicLevelFrom(name: string): string {
  const cleaned = name.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return cleaned === '' ? 'robot' : cleaned.slice(0, 64);
}

/**
 * What a running device offers besides detections: its web page with status, metrics and health, and its telemetry. Both roots
 * (`goshawk run` and the detector node) start it; neither waits for it. Where the port is in use or the broker is away,
 * perception can go on: the first is refused with a coded error at start, the second is tried again.
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

  /** @throws GoshawkError GOSHAWK_PORT_IN_USE, GOSHAWK_PARAMETER_INVALID, GOSHAWK_FILE_UNREADABLE, unless `onRefused` hears of them */
  static async start(options: ServiceOptions, sources: ServiceSources): Promise<DeviceService> {
    const telemetry = await unlessRefused(options, ({ telemetry: wish, log }) =>
      wish === null ? null : startTelemetry(wish, log),
    );
    const reporter = telemetry === null ? null : startReporter(telemetry, sources, options);
    try {
      const web = await unlessRefused(options, ({ web: wish }) =>
        wish === null ? null : startWeb(wish, sources, telemetry),
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
    return this.#reporter?.window ?? null;
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

function startTelemetry(options: TelemetryOptions, log: ServiceOptions['log']): TelemetryClient {
  const { url, site, caFile, certFile, keyFile } = options;
  let lastReason = '';
  return new TelemetryClient(
    {
      url,
      site,
      robot: options.robot === '' ? topicLevelFrom(hostname()) : options.robot,
      manufacturer: 'Goshawk',
      bootId: randomUUID(),
      ...brokerSecrets(process.env, (path) => readFileSync(path, 'utf8')),
      ...(caFile === undefined ? {} : { caFile }),
      ...(certFile === undefined ? {} : { certFile }),
      ...(keyFile === undefined ? {} : { keyFile }),
    },
    TELEMETRY_ENTRY,
    (status) => {
      if (status.connected) log('info', `telemetry: connected to ${url} by MQTT ${status.protocol}`);
      else if (status.reason !== lastReason) {
        log(
          'warn',
          `GOSHAWK_BROKER_UNREACHABLE: the MQTT broker ${url} does not answer: ${status.reason}; trying again`,
        );
      }
      lastReason = status.connected ? '' : status.reason;
    },
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
  options: { readonly host: string; readonly port: number },
  sources: ServiceSources,
  telemetry: TelemetryClient | null,
): Promise<WebServer> {
  return WebServer.listen(options, {
    status: () => {
      const snapshot = sources.snapshot();
      return snapshot === null ? null : statusOf(snapshot, telemetry?.status ?? null);
    },
    health: () => {
      const snapshot = sources.snapshot();
      return snapshot === null ? UNCONFIGURED : healthOf(snapshot);
    },
    metrics: () => sources.metrics(),
    metricsContentType: sources.metricsContentType,
    live: sources.live,
  });
}
