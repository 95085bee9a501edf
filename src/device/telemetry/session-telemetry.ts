import type { HostStats, Tags } from '../../contract/telemetry/shapes.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import type { Clock } from '../../platform/clock.ts';
import type { ResultSink } from '../pipeline/frame/frame-result.ts';
import type { Attachment, DeviceView, MetricsSource, Part } from '../runtime/part.ts';
import type { RangeLog } from './range-log.ts';
import { MetricsWindow } from './metrics-window.ts';
import { stateBody, unconfiguredBody } from './state-body.ts';
import { LATENESS_MS, WindowClock } from './window-clock.ts';

type SessionDevice = Pick<DeviceView, 'snapshot' | 'host' | 'telemetry' | 'send'>;

/**
 * The streams `state` and `metrics`, of a session or of the time without one. A session counts from 0, so windows end
 * when it arrives and when it goes.
 */
export class SessionTelemetry implements Part {
  readonly name = 'session telemetry';
  readonly servedBy = ['telemetry'];
  readonly metrics: MetricsSource;
  readonly #device: SessionDevice;
  readonly #clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly #windowClock: WindowClock;
  readonly #startedAtMs: number;
  readonly #ranges: RangeLog;
  readonly #tags: Tags;
  #window: MetricsWindow;
  readonly #sink: ResultSink = {
    name: 'telemetry',
    deliver: (result) => this.#window.deliver(result, this.#windowClock.nowMs),
  };
  readonly streams = {
    state: (): StreamBody<'state'> => this.#state(),
    metrics: (isLast: boolean): StreamBody<'metrics'> => this.#metrics(isLast),
  };

  /** @param ranges is told what messages do not have as it was measured */
  constructor(
    device: SessionDevice,
    clock: Pick<Clock, 'monotonicMs' | 'wallMs'>,
    ranges: RangeLog,
    tags: Tags = {},
  ) {
    this.#device = device;
    this.#clock = clock;
    this.#ranges = ranges;
    this.metrics = ranges.metrics;
    this.#tags = tags;
    this.#windowClock = new WindowClock(clock);
    this.#startedAtMs = clock.monotonicMs();
    this.#window = this.#windowFrom(new Date(this.#windowClock.nowMs), 0);
  }

  attach(): Attachment {
    this.#turn();
    return { sink: this.#sink };
  }

  detach(): void {
    this.#turn();
  }

  /** Called while the device still shows the outgoing session. */
  #turn(): void {
    this.#device.send('state', () => this.#state());
    this.#device.send('metrics', () => this.#metrics(true));
    this.#window = this.#windowFrom(this.#window.start, this.#window.stepMs);
  }

  #windowFrom(start: Date, stepMs: number): MetricsWindow {
    return new MetricsWindow(start, stepMs, (found) => this.#ranges.note('metrics', found));
  }

  #state(): StreamBody<'state'> {
    const snapshot = this.#device.snapshot();
    const host = this.#hostFor('state');
    const uptimeSeconds = (this.#clock.monotonicMs() - this.#startedAtMs) / 1000;
    const body = snapshot === null ? unconfiguredBody(uptimeSeconds, host) : stateBody(snapshot, host);
    return Object.keys(this.#tags).length === 0 ? body : { ...body, tags: this.#tags };
  }

  #metrics(isLast: boolean): StreamBody<'metrics'> {
    const host = this.#hostFor('metrics');
    const snapshot = this.#device.snapshot();
    const { nowMs, stepMs } = this.#windowClock.read();
    // Once the clock was set, stamps can no longer be compared with those of this window.
    const isWhole = isLast || stepMs !== 0 || snapshot?.state !== 'active';
    const endMs = Math.max(this.#window.start.getTime(), isWhole ? nowMs : nowMs - LATENESS_MS);
    const body = this.#window.close(snapshot, host, new Date(endMs), isWhole);
    if (stepMs !== 0) this.#window.moveStart(stepMs);
    return body;
  }

  /** Each of the streams has a window of CPU load. */
  #hostFor(stream: 'state' | 'metrics'): HostStats {
    const { sentBytes } = this.#device.telemetry() ?? {};
    return {
      ...this.#device.host(this.streams[stream], (found) => this.#ranges.note(stream, found)),
      ...(sentBytes === undefined ? {} : { linkSentBytes: sentBytes }),
    };
  }
}
