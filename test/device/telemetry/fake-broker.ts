import { randomUUID } from 'node:crypto';
import { payloadSchemaOf, type StreamPayload } from '../../../src/contract/telemetry/payloads.ts';
import { GoshawkError } from '../../../src/contract/errors.ts';
import type { TelemetryHeader } from '../../../src/contract/telemetry/header.ts';
import type { Stream } from '../../../src/contract/telemetry/streams.ts';
import type { FromTelemetryThread, StreamMessage } from '../../../src/device/telemetry/protocol.ts';
import { StreamSender, type SenderLink } from '../../../src/device/telemetry/stream-sender.ts';
import { readHistory } from '../../../src/platform/history-batch.ts';
import { tooLarge } from '../../../src/platform/mqtt/link-trouble.ts';
import type { LinkEvents, LinkIdentity, PublishOptions } from '../../../src/platform/mqtt/mqtt-link.ts';
import { FakeClock } from '../pipeline/fakes.ts';
import { FakeDisk } from './outbox/fake-disk.ts';

/** What the broker does with the next message. `hang`: it never answers. */
export type Verdict = 'accept' | 'refuse' | 'lose' | 'too-large' | 'hang';

interface Received {
  readonly stream: Stream;
  readonly payload: string;
  readonly options: PublishOptions;
  /** came in a batch of messages that waited */
  readonly isHistory: boolean;
}

const URL_OF_BROKER = 'mqtt://broker';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A sender with a broker that does what a test decides, and a clock that stands still. */
export class FakeBroker implements SenderLink {
  /** messages, those of batches one by one */
  readonly received: Received[] = [];
  /** batches of messages that waited, as they were sent */
  readonly batches: Buffer[] = [];
  readonly posted: FromTelemetryThread[] = [];
  readonly clock = new FakeClock();
  readonly sender: StreamSender;
  decide: (stream: Stream, bytes: number) => Verdict = () => 'accept';
  connected = false;
  isDropped = false;
  hangsOnClose = false;
  /** a fleet is there that stores what arrives and acknowledges it */
  isAcknowledging = true;
  readonly disk: FakeDisk;
  isDiskUsable: boolean;
  /** messages of this type cannot be posted: a fault that nobody expects */
  unpostable: FromTelemetryThread['type'] | null = null;
  /** opening the disk waits for it */
  opening: Promise<void> = Promise.resolve();
  /** how often it was opened */
  opened = 0;
  identity!: LinkIdentity;
  /** what the broker publishes if the connection breaks */
  will = '';
  #events!: LinkEvents;
  #hanging: ((error: Error) => void)[] = [];

  /** @param disk what an earlier boot left; none for a disk that cannot be used */
  constructor(disk: FakeDisk | null = new FakeDisk(), bytesPerDay = 0) {
    this.disk = disk ?? new FakeDisk();
    this.isDiskUsable = disk !== null;
    this.sender = new StreamSender(
      { site: 'yard', robot: 'r1', node: 'detector', manufacturer: 'Goshawk', bootId: randomUUID() },
      {
        createLink: (identity, events) => {
          this.identity = identity;
          this.#events = events;
          return this;
        },
        openDisk: async () => {
          this.opened += 1;
          await this.opening;
          if (this.isDiskUsable) return { store: this.disk.store, marks: this.disk.markStore };
          throw new GoshawkError('GOSHAWK_OUTBOX_UNWRITABLE', { folder: '/gone', reason: 'gone' });
        },
        post: (message) => {
          if (message.type === this.unpostable) throw new Error(`cannot post ${message.type}`);
          this.posted.push(message);
        },
        clock: this.clock,
        bytesPerDay,
      },
    );
  }

  open(): void {
    this.will = this.identity.will.payload();
    this.connected = true;
    this.#events.onUp('5', URL_OF_BROKER);
  }

  goDown(): void {
    this.connected = false;
    this.#events.onDown({ code: 'GOSHAWK_BROKER_UNREACHABLE', reason: 'gone' }, URL_OF_BROKER);
    for (const reject of this.#hanging.splice(0)) reject(new Error('the link went down'));
  }

  async publish(topic: string, payload: string | Buffer, options: PublishOptions): Promise<void> {
    const stream = topic.split('/').at(-1) as Stream;
    await turn();
    if (!this.connected) throw new Error('the link is down');
    const verdict = this.decide(stream, payload.length);
    if (verdict === 'hang') await new Promise<never>((_resolve, reject) => this.#hanging.push(reject));
    if (verdict === 'lose') {
      this.goDown();
      throw new Error('the link went down');
    }
    if (verdict === 'too-large') throw tooLarge(payload.length, 10);
    if (verdict === 'refuse') throw Object.assign(new Error('Not authorized'), { code: 0x87 });
    if (typeof payload === 'string') this.#take({ stream, payload, options, isHistory: false });
    else {
      this.batches.push(payload);
      const messages = readHistory(payload);
      if ('ok' in messages) throw new Error(messages.detail);
      for (const message of messages)
        this.#take({ ...message, stream: message.stream as Stream, options, isHistory: true });
    }
  }

  #take(message: Received): void {
    this.received.push(message);
    const { stream, payload } = message;
    if (this.isAcknowledging && stream !== 'connection') this.acknowledge(stream, payload);
  }

  /** The fleet says that it has stored a message. */
  acknowledge(stream: Stream, payload: string): void {
    const { headerId, firstHeaderId = headerId, bootId, ...header } = JSON.parse(payload) as TelemetryHeader;
    const acks = [{ stream, bootId, ranges: [[firstHeaderId, headerId]] }];
    this.hear(JSON.stringify({ ...header, headerId: 0, bootId, acks }));
  }

  /** Something arrives, on the topic of acknowledgements if no other is named. */
  hear(text: string, topic = 'ack'): void {
    this.#events.onMessage?.(Buffer.from(text), topic);
  }

  async close(): Promise<void> {
    if (this.hangsOnClose) await new Promise(() => undefined);
    this.connected = false;
  }

  drop(): void {
    this.isDropped = true;
    this.connected = false;
  }

  /** Starts the sender and lets it connect. */
  async begin(): Promise<void> {
    void this.sender.start();
    await this.settle();
  }

  /** Lets time pass in steps, so that what timers begin goes on in between. */
  async pass(ms: number, stepMs = 500): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left));
      await this.settle();
    }
  }

  /** Hands messages to the sender and waits until nothing moves any more. */
  async send(...messages: StreamMessage[]): Promise<void> {
    for (const message of messages) this.sender.receive(message);
    await this.settle();
  }

  /** Many rounds of the event loop: every message takes a few. */
  async settle(): Promise<void> {
    for (let i = 0; i < 40; i += 1) await turn();
  }

  /** What arrived of a stream, checked for its schema apart from bodies, which tests leave empty. */
  of<Name extends Stream>(stream: Name): StreamPayload<Name>[] {
    return this.received
      .filter((message) => message.stream === stream)
      .map(({ payload }) => JSON.parse(payload) as StreamPayload<Name>);
  }

  /** As `of`, validated. */
  presence(): string[] {
    return this.of('connection').map(
      (payload) => payloadSchemaOf('connection').parse(payload).connectionState,
    );
  }

  /** what arrived and was refused, as posted last */
  get refused(): Extract<FromTelemetryThread, { type: 'refused' }>['refused'] | undefined {
    return this.posted.findLast((message) => message.type === 'refused')?.refused;
  }

  get counts(): Extract<FromTelemetryThread, { type: 'counts' }>['streams'] | undefined {
    return this.posted.findLast((message) => message.type === 'counts')?.streams;
  }
}
