import {
  PERIODIC_STREAMS,
  STREAMS,
  type PeriodicStream,
  type ReportedStream,
  type StreamBody,
} from '../../contract/telemetry/streams.ts';
import type { StreamSources } from '../runtime/part.ts';

/** Where messages go: `TelemetryClient`, or a test. */
export interface TelemetryOutlet {
  /** @throws Error for a message that cannot be sent */
  send<Name extends ReportedStream>(stream: Name, body: StreamBody<Name>): void;
  /** A message that was due will not be sent. */
  lose(stream: ReportedStream): void;
}

/** Sends what parts contribute, each stream with the period in its row. */
export class TelemetryReporter {
  readonly #sources: () => readonly StreamSources[];
  readonly #outlet: TelemetryOutlet;
  readonly #onError: (error: unknown) => void;
  readonly #timers: readonly NodeJS.Timeout[];

  constructor(
    sources: () => readonly StreamSources[],
    outlet: TelemetryOutlet,
    onError: (error: unknown) => void,
    secondsOf = (stream: PeriodicStream): number => STREAMS[stream].periodSeconds,
  ) {
    this.#sources = sources;
    this.#outlet = outlet;
    this.#onError = onError;
    this.#timers = PERIODIC_STREAMS.map((stream) =>
      setInterval(() => this.#report(stream, false), secondsOf(stream) * 1000),
    );
  }

  /** Never throws. A message that cannot be made or sent is reported and counted as lost, without affecting others. */
  send<Name extends ReportedStream>(stream: Name, make: () => StreamBody<Name>): void {
    try {
      this.#outlet.send(stream, make());
    } catch (error) {
      this.#outlet.lose(stream);
      this.#onError(error);
    }
  }

  /** Stops after a last message of each stream, so that windows cover the whole run. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const stream of PERIODIC_STREAMS) this.#report(stream, true);
  }

  #report<Name extends PeriodicStream>(stream: Name, isLast: boolean): void {
    for (const { [stream]: make } of this.#sources())
      if (make !== undefined) this.send(stream, () => make(isLast));
  }
}
