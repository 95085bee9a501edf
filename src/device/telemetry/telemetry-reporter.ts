import type { HostStats } from '../../contract/telemetry/shapes.ts';
import {
  PERIODIC_STREAMS,
  STREAMS,
  type PeriodicStream,
  type StreamBody,
} from '../../contract/telemetry/streams.ts';
import type { FrameResult, ResultSink } from '../pipeline/frame/frame-result.ts';
import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';
import { MetricsWindow } from './metrics-window.ts';
import { stateBody, unconfiguredBody } from './state-body.ts';

/**
 * Where messages go: `TelemetryClient`, or a test. A message that cannot be sent is declared as lost there, and throws.
 */
export interface TelemetryOutlet {
  send<Name extends PeriodicStream>(stream: Name, body: StreamBody<Name>): void;
}

export interface ReporterSources {
  /** null while nothing is configured */
  snapshot(): PipelineSnapshot | null;
  host(): HostStats;
  now(): Date;
}

/** What one report covers. */
interface Moment {
  readonly snapshot: PipelineSnapshot | null;
  readonly host: HostStats;
  readonly now: Date;
}

type Bodies = { readonly [Name in PeriodicStream]: (moment: Moment) => StreamBody<Name> };

/**
 * Reports what happened since the last report, each stream with the period in its row. `sink` must be among the
 * pipeline's sinks. A pipeline counts from 0, so it has separate windows: `turn` is called when one arrives and when
 * one goes.
 */
export class TelemetryReporter {
  readonly sink: ResultSink = {
    name: 'telemetry',
    deliver: (result: FrameResult): void => {
      this.#window.deliver(result);
    },
  };
  readonly #bodies: Bodies = {
    state: ({ snapshot, host, now }) =>
      snapshot === null ? unconfiguredBody(this.#uptimeSeconds(now), host) : stateBody(snapshot, host),
    metrics: ({ snapshot, host, now }) => this.#window.close(snapshot, host, now),
  };
  readonly #sources: ReporterSources;
  readonly #outlet: TelemetryOutlet;
  readonly #onError: (error: unknown) => void;
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #startedAt: Date;
  #window: MetricsWindow;
  #isClosed = false;

  /** @param periodMs for all streams, instead of their own */
  constructor(
    sources: ReporterSources,
    outlet: TelemetryOutlet,
    onError: (error: unknown) => void,
    periodMs?: number,
  ) {
    this.#sources = sources;
    this.#outlet = outlet;
    this.#onError = onError;
    this.#startedAt = sources.now();
    this.#window = new MetricsWindow(this.#startedAt);
    this.#timers = [...byPeriod(periodMs)].map(([ms, streams]) =>
      setInterval(() => this.report(streams), ms),
    );
  }

  /** Never throws: nobody could catch it in a timer. A stream that fails does not keep the others from being sent. */
  report(streams: readonly PeriodicStream[] = PERIODIC_STREAMS): void {
    this.#try(() => {
      const snapshot = this.#sources.snapshot();
      const moment = { snapshot, host: this.#sources.host(), now: this.#sources.now() };
      for (const stream of streams) this.#try(() => this.#send(stream, moment));
    });
  }

  /**
   * Ends the window of the outgoing pipeline, or of the time without one, where the next one starts. Called while
   * `snapshot` still belongs to the outgoing one.
   */
  turn(): void {
    if (this.#isClosed) return;
    this.report();
    this.#window = new MetricsWindow(this.#window.start);
  }

  stop(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Stops after a last report, so that the windows cover the whole run. */
  close(): void {
    if (this.#isClosed) return;
    this.stop();
    this.report();
  }

  #send<Name extends PeriodicStream>(stream: Name, moment: Moment): void {
    this.#outlet.send(stream, this.#bodies[stream](moment));
  }

  #uptimeSeconds(now: Date): number {
    return Math.max(0, (now.getTime() - this.#startedAt.getTime()) / 1000);
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onError(error);
    }
  }
}

/** Streams by period in milliseconds: those with the same period share a snapshot. */
function byPeriod(periodMs?: number): Map<number, PeriodicStream[]> {
  const groups = new Map<number, PeriodicStream[]>();
  for (const stream of PERIODIC_STREAMS) {
    const ms = periodMs ?? STREAMS[stream].periodSeconds * 1000;
    groups.set(ms, [...(groups.get(ms) ?? []), stream]);
  }
  return groups;
}
