import { PAYLOAD_VERSION, type TelemetryHeader } from '../../contract/telemetry/header.ts';
import { telemetryClientId } from '../../contract/telemetry/speaker.ts';
import {
  REPORTED_STREAMS,
  streamRow,
  type ReportedStream,
  type Stream,
  type StreamBody,
} from '../../contract/telemetry/streams.ts';
import { telemetryTopic } from '../../contract/telemetry/topics.ts';
import type { Clock } from '../../platform/clock.ts';
import { isTooLarge, troubleOfMessage } from '../../platform/mqtt/link-trouble.ts';
import type { LinkEvents, LinkIdentity, MqttLink } from '../../platform/mqtt/mqtt-link.ts';
import { Outbox, type Waiting } from './outbox.ts';
import type { CountsByStream, FromTelemetryThread, SenderIdentity, StreamMessage } from './protocol.ts';

/** Time limit of the last message and the disconnect together. */
const CLOSE_LIMIT_MS = 3_000;

/** What the sender needs of the connection to the broker. */
export type SenderLink = Pick<MqttLink, 'connected' | 'open' | 'publish' | 'close' | 'drop'>;

/** What the sender is connected to. */
export interface SenderPorts {
  createLink(identity: LinkIdentity, events: LinkEvents): SenderLink;
  post(message: FromTelemetryThread): void;
  readonly clock: Clock;
}

type SendError = Error & { readonly code?: unknown };

/** Drops by stream that a message declares. */
type Gaps = ReadonlyMap<ReportedStream, number>;

/**
 * Sends the streams of one detector: numbers their messages, keeps them while the broker is away, delivers them one at
 * a time in order, and declares what was lost. It neither waits for the broker nor throws: outcomes are posted.
 */
export class StreamSender {
  readonly #identity: SenderIdentity;
  readonly #ports: SenderPorts;
  readonly #outboxes: ReadonlyMap<ReportedStream, Outbox>;
  readonly #link: SenderLink;
  #presenceCount = 0;
  #isPumping = false;
  #pumping = Promise.resolve();
  #isClosing = false;

  constructor(identity: SenderIdentity, ports: SenderPorts) {
    this.#identity = identity;
    this.#ports = ports;
    this.#outboxes = new Map(
      REPORTED_STREAMS.map((stream) => [stream, new Outbox(streamRow(stream).maxWaiting)]),
    );
    const will = { topic: this.#topic('connection'), payload: this.#presence('CONNECTION_BROKEN') };
    this.#link = ports.createLink(
      { clientId: telemetryClientId(identity), will },
      {
        onUp: (protocol) => {
          ports.post({ type: 'link', connected: true, protocol });
          void this.#announce();
        },
        onDown: (trouble) => ports.post({ type: 'link', connected: false, trouble }),
      },
    );
  }

  /** Opens the link. */
  start(): void {
    this.#link.open();
  }

  /** Takes a message of the runtime; delivery starts immediately if the link is up. */
  receive(message: StreamMessage): void {
    const outbox = this.#outboxes.get(message.stream);
    if (message.type === 'lost') outbox?.lose();
    else {
      outbox?.put(message.body, this.#timestamp());
      void this.#pump();
    }
  }

  /**
   * Delivers what waits, sends OFFLINE if the link is up, and closes it: within the time limit, whatever the broker
   * does.
   */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const { clock } = this.#ports;
    let timer: object | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = clock.startTimer(resolve, CLOSE_LIMIT_MS);
    });
    await Promise.race([this.#sayOffline().catch(() => undefined), limit]);
    await Promise.race([this.#link.close().catch(() => undefined), limit]);
    if (timer !== undefined) clock.stopTimer(timer);
    // A broker that refuses the last message, or never answers, must not keep this thread, and with it the process,
    // alive.
    this.#link.drop();
    this.#postCounts();
  }

  async #announce(): Promise<void> {
    try {
      await this.#publish('connection', this.#presence('ONLINE'));
      await this.#pump();
    } catch {
      // Posted by `publish`; the next message or the next connection tries again.
    }
  }

  async #sayOffline(): Promise<void> {
    await this.#pump();
    if (this.#link.connected) await this.#publish('connection', this.#presence('OFFLINE'));
  }

  /** Delivers what waits; resolves when that is over, also for callers that ask while it is under way. */
  #pump(): Promise<void> {
    if (!this.#isPumping) this.#pumping = this.#deliverWaiting();
    return this.#pumping;
  }

  /** One message at a time, oldest first, streams in turn, while the link is up. */
  async #deliverWaiting(): Promise<void> {
    this.#isPumping = true;
    try {
      while (this.#link.connected && (await this.#sendRound()));
    } catch {
      // The message is back in its outbox, or counted; the next message or the next connection continues from
      // there.
    } finally {
      this.#isPumping = false;
      this.#postCounts();
    }
  }

  /** The oldest message of each stream. @returns whether there was any */
  async #sendRound(): Promise<boolean> {
    let isAny = false;
    for (const [stream, outbox] of this.#outboxes) {
      const message = outbox.take();
      if (message === undefined) continue;
      isAny = true;
      await this.#deliver(stream, outbox, message);
    }
    return isAny;
  }

  async #deliver(stream: ReportedStream, outbox: Outbox, message: Waiting): Promise<void> {
    const { declaresGaps } = streamRow(stream);
    const gaps: Gaps = declaresGaps ? this.#takeGaps() : new Map<ReportedStream, number>();
    const header = this.#header(message.headerId, message.timestamp);
    const declared = declaresGaps ? { gaps: Object.fromEntries(gaps) } : {};
    try {
      await this.#publish(stream, JSON.stringify({ ...header, ...message.body, ...declared }));
      outbox.delivered();
    } catch (error) {
      for (const [name, count] of gaps) this.#outboxes.get(name)?.undeclare(count);
      if (!isTooLarge(error as SendError)) {
        outbox.failed(message);
        throw error;
      }
      // No later attempt can succeed, and the messages behind it must not wait forever.
      outbox.undeliverable();
    }
  }

  #takeGaps(): Gaps {
    const gaps = new Map<ReportedStream, number>();
    for (const [name, outbox] of this.#outboxes) {
      const count = outbox.takeGaps();
      if (count > 0) gaps.set(name, count);
    }
    return gaps;
  }

  /**
   * Publishes, and posts whether the broker accepts it: a link that is up but delivers nothing must not look healthy.
   */
  async #publish(stream: Stream, payload: string): Promise<void> {
    const topic = this.#topic(stream);
    const { qos, retained } = streamRow(stream);
    try {
      await this.#link.publish(topic, payload, { qos, retain: retained });
      this.#ports.post({ type: 'delivery', trouble: null });
    } catch (error) {
      const trouble = troubleOfMessage(topic, error as SendError);
      if (trouble !== null) this.#ports.post({ type: 'delivery', trouble });
      throw error;
    }
  }

  #presence(connectionState: StreamBody<'connection'>['connectionState']): string {
    const header = this.#header(this.#presenceCount++, this.#timestamp());
    return JSON.stringify({ ...header, connectionState });
  }

  #header(headerId: number, timestamp: string): TelemetryHeader {
    const { manufacturer, robot, node, bootId } = this.#identity;
    return { headerId, timestamp, version: PAYLOAD_VERSION, manufacturer, serialNumber: robot, node, bootId };
  }

  #topic(stream: Stream): string {
    return telemetryTopic(this.#identity, stream);
  }

  #timestamp(): string {
    return new Date(this.#ports.clock.wallMs()).toISOString();
  }

  #postCounts(): void {
    const counts = [...this.#outboxes].map(([name, outbox]) => [name, outbox.counts()]);
    this.#ports.post({ type: 'counts', streams: Object.fromEntries(counts) as CountsByStream });
  }
}
