import type { MetricsBody } from '../../contract/telemetry.ts';
import type { FrameResult, ResultSink } from '../pipeline/frame/frame-result.ts';
import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';
import { MetricsWindow } from './metrics-window.ts';
import { stateBody, unconfiguredBody } from './state-body.ts';

/** Where messages go: `TelemetryClient`, or a test. What cannot be sent is declared as lost there, and thrown. */
export interface TelemetryOutlet {
  state(body: ReturnType<typeof stateBody>): void;
  metrics(body: MetricsBody): void;
}

export interface ReporterSources {
  /** null while nothing is configured */
  snapshot(): PipelineSnapshot | null;
  host(): MetricsBody['host'];
  now(): Date;
}

/**
 * Says every `periodMs` what happened since the last time. `sink` has to be among the pipeline's sinks. A
 * pipeline counts from 0, so its windows are of its own: `turn` is called when one comes and when one goes.
 */
export class TelemetryReporter {
  readonly sink: ResultSink = {
    name: 'telemetry',
    deliver: (result: FrameResult): void => {
      this.#window.deliver(result);
    },
  };
  readonly #sources: ReporterSources;
  readonly #outlet: TelemetryOutlet;
  readonly #onError: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt: Date;
  #window: MetricsWindow;
  #isClosed = false;

  constructor(
    sources: ReporterSources,
    outlet: TelemetryOutlet,
    onError: (error: unknown) => void,
    periodMs = 10_000,
  ) {
    this.#sources = sources;
    this.#outlet = outlet;
    this.#onError = onError;
    this.#startedAt = sources.now();
    this.#window = new MetricsWindow(this.#startedAt);
    this.#timer = setInterval(() => this.report(), periodMs);
  }

  /** Never throws: a timer has nobody to catch. What fails of one stream does not keep the other from being sent. */
  report(): void {
    this.#try(() => {
      const snapshot = this.#sources.snapshot();
      const host = this.#sources.host();
      const now = this.#sources.now();
      const uptimeSeconds = Math.max(0, (now.getTime() - this.#startedAt.getTime()) / 1000);
      this.#try(() => {
        this.#outlet.state(
          snapshot === null ? unconfiguredBody(uptimeSeconds, host) : stateBody(snapshot, host),
        );
      });
      this.#outlet.metrics(this.#window.close(snapshot, host, now));
    });
  }

  /**
   * Ends the window of the pipeline that goes, or of the time without one, where the next begins. Called
   * while `snapshot` still answers for what goes.
   */
  turn(): void {
    if (this.#isClosed) return;
    this.report();
    this.#window = new MetricsWindow(this.#window.start);
  }

  stop(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  /** Stops after a last report, so that the windows cover the whole run. */
  close(): void {
    if (this.#isClosed) return;
    this.stop();
    this.report();
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onError(error);
    }
  }
}
