import type { MetricsBody } from '../../contract/telemetry.ts';
import type { PipelineSnapshot } from '../pipeline/snapshot.ts';
import { MetricsWindow } from './metrics-window.ts';
import { stateBody } from './state-body.ts';

/** Where messages go: `TelemetryClient`, or a test. */
export interface TelemetryOutlet {
  state(body: ReturnType<typeof stateBody>): void;
  metrics(body: MetricsBody): void;
}

export interface ReporterSources {
  snapshot(): PipelineSnapshot;
  host(): MetricsBody['host'];
  now(): Date;
}

/** Says every `periodMs` what happened since the last time. `window` has to be among the pipeline's sinks. */
export class TelemetryReporter {
  readonly window: MetricsWindow;
  readonly #sources: ReporterSources;
  readonly #outlet: TelemetryOutlet;
  readonly #timer: NodeJS.Timeout;

  constructor(sources: ReporterSources, outlet: TelemetryOutlet, periodMs = 10_000) {
    this.#sources = sources;
    this.#outlet = outlet;
    this.window = new MetricsWindow(sources.now());
    this.#timer = setInterval(() => this.report(), periodMs);
  }

  report(): void {
    const snapshot = this.#sources.snapshot();
    const host = this.#sources.host();
    this.#outlet.state(stateBody(snapshot, host));
    this.#outlet.metrics(this.window.close(snapshot, host, this.#sources.now()));
  }

  /** Ends the timer after a last report, so that the windows cover the whole run. */
  close(): void {
    clearInterval(this.#timer);
    this.report();
  }
}
