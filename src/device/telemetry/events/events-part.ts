import type { ResultSink } from '../../pipeline/frame/frame-result.ts';
import { definePart, type Attachment, type DeviceView, type Part } from '../../runtime/part.ts';
import { EventLimit } from './event-limit.ts';
import { EventSource, outboxEvent, type EventBody } from './event-source.ts';

/** How often the device is looked at. */
const LOOK_MS = 1_000;

/** Reports to the fleet what happens on the device. */
export const EVENTS = definePart({
  parameters: {},
  create: (_values, { device }) => new Events(device, () => performance.now()),
});

type EventDevice = Pick<DeviceView, 'snapshot' | 'silentAfterMs' | 'telemetry' | 'send'>;

/** Events as a part: it looks at the device every second and sends what changed, never too much of it. */
export class Events implements Part {
  readonly name = 'events';
  readonly servedBy = ['telemetry'];
  readonly #device: EventDevice;
  readonly #nowMs: () => number;
  readonly #limit = new EventLimit();
  readonly #newest = new Map<string, number>();
  readonly #sink: ResultSink = {
    name: 'events',
    deliver: ({ envelope }) => void this.#newest.set(envelope.camera, envelope.sequence),
  };
  #source = new EventSource();
  #outboxTrouble: string | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(device: EventDevice, nowMs: () => number) {
    this.#device = device;
    this.#nowMs = nowMs;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  attach(): Attachment {
    this.#source = new EventSource();
    this.#newest.clear();
    return { sink: this.#sink };
  }

  /** Looks at the device, and sends what happened. */
  look(): void {
    const nowMs = this.#nowMs();
    for (const event of this.#limit.due(nowMs)) this.#send(event);
    for (const event of this.#happened()) {
      const taken = this.#limit.take(event, nowMs);
      if (taken !== null) this.#send(taken);
    }
  }

  #happened(): EventBody[] {
    const events: EventBody[] = [];
    const trouble = this.#device.telemetry()?.outbox;
    const outboxTrouble =
      trouble === null || trouble === undefined ? null : `${trouble.code}: ${trouble.reason}`;
    if (outboxTrouble !== this.#outboxTrouble) events.push(outboxEvent(outboxTrouble));
    this.#outboxTrouble = outboxTrouble;
    const snapshot = this.#device.snapshot();
    if (snapshot === null) return events;
    const surroundings = {
      silentAfterMs: this.#device.silentAfterMs(),
      newestFrame: (camera: string) => this.#newest.get(camera),
    };
    return [...events, ...this.#source.look(snapshot, surroundings)];
  }

  #send(event: EventBody): void {
    this.#device.send('event', () => event);
  }
}
