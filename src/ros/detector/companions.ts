import { describeError } from '../../contract/errors.ts';
import { HostStats } from '../../device/host/host-stats.ts';
import { PipelineMetrics } from '../../device/metrics/pipeline-metrics.ts';
import type { ResultSink } from '../../device/pipeline/frame/frame-result.ts';
import { LiveView } from '../../device/live/live-view.ts';
import { DeviceService, type ServiceOptions } from '../../device/service/device-service.ts';
import type { TelemetryStatus } from '../../device/telemetry/telemetry-client.ts';
import { LiveRelay } from '../../device/live/live-relay.ts';
import type { Log } from '../log.ts';
import type { DetectorParameters } from './parameters.ts';
import type { DetectorSession } from './session.ts';

/** What looks at one session for the page. */
interface SessionView {
  readonly session: DetectorSession;
  readonly metrics: PipelineMetrics;
}

/**
 * The web page and telemetry beside the detector. They live as long as the node and show whatever session
 * there is; where both are off, sessions get no sinks for them.
 */
export class Parts {
  readonly #service: DeviceService;
  /** what could not be started, in words; the node works without it */
  readonly complaints: readonly string[];
  readonly #stats: HostStats;
  readonly #views: { current: SessionView | null };
  readonly #live: LiveRelay;

  private constructor(
    service: DeviceService,
    stats: HostStats,
    views: { current: SessionView | null },
    live: LiveRelay,
    complaints: readonly string[],
  ) {
    this.#service = service;
    this.#stats = stats;
    this.#views = views;
    this.#live = live;
    this.complaints = complaints;
  }

  /**
   * `null` where the parameters ask for neither. A part that cannot be started is logged and left out.
   * @param node full name of the detector
   * @param parameters those of now: some change while the node runs
   */
  static async start(node: string, parameters: () => DetectorParameters, log: Log): Promise<Parts | null> {
    const { http_port: port, telemetry: url } = parameters();
    if (port === 0 && url === '') return null;
    const stats = new HostStats();
    const views: { current: SessionView | null } = { current: null };
    const live = new LiveRelay();
    const complaints: string[] = [];
    const service = await DeviceService.start(
      {
        web: webOptions(parameters()),
        telemetry: telemetryOptions(node, parameters()),
        log: (level, line) => {
          log[level](line);
        },
        onRefused: (error) => {
          complaints.push(describeError(error));
          log.error(describeError(error));
        },
      },
      {
        snapshot: () => views.current?.session.pipeline.snapshot() ?? null,
        host: () => stats.read(),
        metrics: () => views.current?.metrics.text() ?? Promise.resolve(''),
        metricsContentType: 'text/plain; version=0.0.4; charset=utf-8',
        live,
        silentAfterMs: () => parameters().silent_after_s * 1000,
      },
    );
    return new Parts(service, stats, views, live, complaints);
  }

  /** how the link to the broker is; null where telemetry is off */
  get telemetry(): TelemetryStatus | null {
    return this.#service.telemetry;
  }

  /** Shows a session from now on. */
  show(session: DetectorSession): void {
    const cameras = session.cameras.map(({ topics }) => topics.camera);
    const live = new LiveView({ labels: session.bundle.manifest.labels, cameras });
    const metrics = new PipelineMetrics(session.pipeline, () => this.#stats.readSensors());
    const sinks: (ResultSink | null)[] = [live, metrics, this.#service.sink];
    for (const sink of sinks) if (sink !== null) session.pipeline.addSink(sink);
    this.#service.turn();
    this.#views.current = { session, metrics };
    this.#live.show(live);
  }

  /** Shows nothing from now on. Called once the session has drained, so that its last window is whole. */
  hide(): void {
    if (this.#views.current !== null) this.#service.turn();
    this.#views.current = null;
    this.#live.hide();
  }

  async close(): Promise<void> {
    await this.#service.close();
  }
}

function webOptions(parameters: DetectorParameters): ServiceOptions['web'] {
  const { http_host: host, http_port: port, http_allowed_hosts: allowedHosts } = parameters;
  return port === 0 ? null : { host, port, allowedHosts };
}

function telemetryOptions(node: string, parameters: DetectorParameters): ServiceOptions['telemetry'] {
  const { telemetry: url, site, robot } = parameters;
  const { telemetry_ca_file: ca, telemetry_cert_file: cert, telemetry_key_file: key } = parameters;
  if (url === '') return null;
  return {
    url,
    site,
    robot,
    node,
    ...(ca === '' ? {} : { caFile: ca }),
    ...(cert === '' ? {} : { certFile: cert }),
    ...(key === '' ? {} : { keyFile: key }),
  };
}
