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
  /** null while nothing is configured: then there is nothing to say */
  snapshot(): PipelineSnapshot | null;
  host(): MetricsBody['host'];
  now(): Date;
}

/** Says every `periodMs` what happened since the last time. `window` has to be among the pipeline's sinks. */
export class TelemetryReporter {
  readonly window: MetricsWindow;
  readonly #sources: ReporterSources;
  readonly #outlet: TelemetryOutlet;
  readonly #onError: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;

  constructor(
    sources: ReporterSources,
    outlet: TelemetryOutlet,
    onError: (error: unknown) => void,
    periodMs = 10_000,
  ) {
    this.#sources = sources;
    this.#outlet = outlet;
    this.#onError = onError;
    this.window = new MetricsWindow(sources.now());
    this.#timer = setInterval(() => this.report(), periodMs);
  }

  /** Never throws: a timer has nobody to catch. */
  report(): void {
    try {
      const snapshot = this.#sources.snapshot();
      if (snapshot === null) return;
      const host = this.#sources.host();
      this.#outlet.state(stateBody(snapshot, host));
      this.#outlet.metrics(this.window.close(snapshot, host, this.#sources.now()));
    } catch (error) {
      this.#onError(error);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Stops after a last report, so that the windows cover the whole run. */
  close(): void {
    this.stop();
    this.report();
  }
}
