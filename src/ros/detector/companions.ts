import { describeError } from '../../contract/errors.ts';
import { HostFigures } from '../../device/metrics/host-figures.ts';
import { PipelineMetrics } from '../../device/metrics/pipeline-metrics.ts';
import type { ResultSink } from '../../device/pipeline/frame-result.ts';
import { LiveView } from '../../device/pipeline/live-view.ts';
import { DeviceService } from '../../device/service/device-service.ts';
import type { Log } from '../log.ts';
import type { DetectorParameters } from './parameters.ts';
import type { DetectorSession } from './session.ts';

/** What looks at one session for the page. */
interface SessionView {
  readonly session: DetectorSession;
  readonly live: LiveView;
  readonly metrics: PipelineMetrics;
}

/** Seconds between pictures asked for while nothing is configured. */
const IDLE_MS = 500;

/**
 * The web page and telemetry beside the detector. They live as long as the node and show whatever session there is; where both
 * are off, sessions get no sinks for them.
 */
export class Companions {
  readonly #service: DeviceService;
  /** what could not be started, in words; the node works without it */
  readonly complaints: readonly string[];
  readonly #figures: HostFigures;
  readonly #views: { current: SessionView | null };

  private constructor(
    service: DeviceService,
    figures: HostFigures,
    views: { current: SessionView | null },
    complaints: readonly string[],
  ) {
    this.#service = service;
    this.#figures = figures;
    this.#views = views;
    this.complaints = complaints;
  }

  /** `null` where the parameters ask for neither. A part that cannot be started is logged and left out. */
  static async start(parameters: DetectorParameters, log: Log): Promise<Companions | null> {
    const { http_host: host, http_port: port, telemetry: url, site, robot } = parameters;
    if (port === 0 && url === '') return null;
    const figures = new HostFigures();
    const views: { current: SessionView | null } = { current: null };
    const complaints: string[] = [];
    const service = await DeviceService.start(
      {
        web: port === 0 ? null : { host, port },
        telemetry: url === '' ? null : { url, site, robot },
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
        host: () => figures.read(),
        metrics: () => views.current?.metrics.text() ?? Promise.resolve(''),
        metricsContentType: 'text/plain; version=0.0.4; charset=utf-8',
        live: {
          cameras: () => views.current?.live.cameras() ?? [],
          watch: (camera) => views.current?.live.watch(camera) ?? (() => undefined),
          next: (camera, timeoutMs) => views.current?.live.next(camera, timeoutMs) ?? nothingFor(IDLE_MS),
        },
      },
    );
    return new Companions(service, figures, views, complaints);
  }

  /** Shows a session from now on. */
  show(session: DetectorSession): void {
    const cameras = session.cameras.map(({ topics }) => topics.camera);
    const live = new LiveView({ labels: session.bundle.manifest.labels, cameras });
    const metrics = new PipelineMetrics(session.pipeline, () => this.#figures.readSensors());
    const sinks: (ResultSink | null)[] = [live, metrics, this.#service.sink];
    for (const sink of sinks) if (sink !== null) session.pipeline.addSink(sink);
    this.#views.current = { session, live, metrics };
  }

  /** Shows nothing from now on. */
  hide(): void {
    this.#views.current = null;
  }

  async close(): Promise<void> {
    await this.#service.close();
  }
}

function nothingFor(ms: number): Promise<null> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(null);
    }, ms).unref();
  });
}
