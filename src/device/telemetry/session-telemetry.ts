import type { StreamBody } from '../../contract/telemetry/streams.ts';
import type { ResultSink } from '../pipeline/frame/frame-result.ts';
import type { Attachment, DeviceView, Part } from '../runtime/part.ts';
import { MetricsWindow } from './metrics-window.ts';
import { stateBody, unconfiguredBody } from './state-body.ts';

/**
 * The streams `state` and `metrics`, of a session or of the time without one. A session counts from 0, so windows end
 * when it arrives and when it goes.
 */
export class SessionTelemetry implements Part {
  readonly name = 'session telemetry';
  readonly servedBy = ['telemetry'];
  readonly #device: Pick<DeviceView, 'snapshot' | 'host' | 'send'>;
  readonly #now: () => Date;
  readonly #startedAt: Date;
  #window: MetricsWindow;
  readonly #sink: ResultSink = {
    name: 'telemetry',
    deliver: (result) => this.#window.deliver(result),
  };
  readonly streams = {
    state: (): StreamBody<'state'> => this.#state(),
    metrics: (): StreamBody<'metrics'> => this.#metrics(),
  };

  constructor(device: Pick<DeviceView, 'snapshot' | 'host' | 'send'>, now: () => Date) {
    this.#device = device;
    this.#now = now;
    this.#startedAt = now();
    this.#window = new MetricsWindow(this.#startedAt);
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
    const { state, metrics } = this.streams;
    this.#device.send('state', state);
    this.#device.send('metrics', metrics);
    this.#window = new MetricsWindow(this.#window.start);
  }

  #state(): StreamBody<'state'> {
    const snapshot = this.#device.snapshot();
    const host = this.#device.host(this.streams.state);
    if (snapshot !== null) return stateBody(snapshot, host);
    return unconfiguredBody(Math.max(0, (this.#now().getTime() - this.#startedAt.getTime()) / 1000), host);
  }

  #metrics(): StreamBody<'metrics'> {
    const host = this.#device.host(this.streams.metrics);
    return this.#window.close(this.#device.snapshot(), host, this.#now());
  }
}
