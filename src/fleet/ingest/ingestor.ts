import { randomUUID } from 'node:crypto';
import { describeError } from '../../contract/errors.ts';
import { MAX_PAYLOAD_BYTES } from '../../contract/telemetry/history.ts';
import { STORED_STREAMS, type Stream } from '../../contract/telemetry/streams.ts';
import { topicFilter } from '../../contract/telemetry/topics.ts';
import type { BrokerSecrets } from '../../platform/mqtt/broker-secrets.ts';
import { MqttSubscriber } from '../../platform/mqtt/mqtt-subscriber.ts';
import type { TlsFiles } from '../../platform/mqtt/tls-files.ts';
import { refusalOf, type RefusedMessage } from '../check/refusal.ts';
import { isConnection, Presence } from '../presence/presence.ts';
import { AckSender } from './acks.ts';
import { DetectorNames } from './detector-names.ts';
import { Committer, type CommitEvents, type CommitStore } from './committer.ts';
import { Intake } from './intake.ts';
import { noteRefusal, Notices } from './notices.ts';
import type { Received } from '../check/received.ts';

/** Received, and not stored yet: a few seconds' worth. */
const LIMITS = { messages: 10_000, bytes: 64 << 20 };
const RECEIVE_MAXIMUM = 1_000;
/** Above what is refused with words, so that a robot's mistake is seen; what is beyond, the broker keeps to itself. */
const MAX_PACKET_BYTES = 2 * MAX_PAYLOAD_BYTES;
/** What is shared among ingestors: messages that are stored, alone or many in one. */
const SHARED: readonly Stream[] = [...STORED_STREAMS, 'history'];
/** Pieces of clips are of no boot's numbers, and go to whoever asked for them. */
const CHUNK = '/clip-chunk';
const CLOSE_LIMIT_MS = 2_000;
const GROUP = 'goshawk';

export interface IngestorOptions extends BrokerSecrets, TlsFiles {
  /** of brokers */
  readonly urls: readonly string[];
  /** log, a line each */
  readonly say: (line: string) => void;
}

/** What an ingestor reports. */
export interface IngestEvents extends CommitEvents {
  /** a message was left to its robot, which sends it again */
  onDeferred(): void;
  /**
   * a piece of a clip, for which no other message waits
   * @throws Refused if it is none
   */
  onChunk?(topic: string, payload: Uint8Array): void;
}

/** How a broker's connection is. */
export interface LinkState {
  readonly url: string;
  readonly isUp: boolean;
}

/**
 * Takes the messages of robots from one or several brokers, stores them and acknowledges them. It keeps nothing but
 * what waits for its commit: any number of ingestors share the work, and one that is killed loses nothing that a robot
 * does not send again.
 */
export class Ingestor {
  /** who is connected, of all robots on its brokers */
  readonly presence = new Presence();
  readonly #links: readonly MqttSubscriber[];
  readonly #acks: readonly AckSender[];
  readonly #names = new DetectorNames();
  readonly #intake: Intake;
  readonly #events: IngestEvents;
  readonly #notices: Notices;
  readonly #committer: Committer;
  readonly #end = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor({ urls, say, ...rest }: IngestorOptions, store: CommitStore, events: IngestEvents) {
    const bootId = randomUUID();
    const notices = new Notices(say);
    this.#events = events;
    this.#notices = notices;
    this.#intake = new Intake(LIMITS, (robot) => this.#noteDeferred(robot));
    this.#links = urls.map((url, link) => {
      const subscriber: MqttSubscriber = new MqttSubscriber(
        {
          ...rest,
          url,
          clientId: `goshawk-fleet:${bootId}`,
          shared: SHARED.map(topicFilter),
          group: GROUP,
          plain: [topicFilter('connection'), topicFilter('clip-chunk')],
          receiveMaximum: RECEIVE_MAXIMUM,
          maxPacketBytes: MAX_PACKET_BYTES,
        },
        {
          onUp: (protocol, isShared) => {
            const how = isShared ? '' : ', which cannot share messages among ingestors';
            say(`connected to ${url} by MQTT ${protocol}${how}`);
            this.#acks[link]?.resume();
          },
          onDown: ({ code, reason }) => notices.note(`down ${link}`, `${code}: ${url}: ${reason}`),
          onMessage: (topic, payload, isRetained) =>
            this.#take({ link, topic, payload, receivedMs: Date.now(), isRetained }),
          onFault: (topic, error) => this.#noteFault(topic, error),
        },
      );
      return subscriber;
    });
    this.#acks = this.#links.map((link) => new AckSender(link, bootId));
    this.#committer = new Committer(this.#intake, store, this.#acks, events, notices);
  }

  start(): void {
    this.#work = this.#committer.run(this.#end.signal);
    for (const link of this.#links) link.open();
  }

  /** Stores what was received, acknowledges it, and leaves the brokers. */
  async stop(): Promise<void> {
    this.#intake.close();
    this.#end.abort();
    await this.#work;
    await Promise.all(this.#links.map((link) => link.close(CLOSE_LIMIT_MS)));
  }

  /** @returns a promise to be waited for before the next message is read; undefined for none */
  #take(received: Received): Promise<void> | undefined {
    try {
      return this.#distribute(received);
    } catch (error) {
      const refusal = refusalOf(received, error);
      // of what is on no topic of a robot, samples are kept
      if (refusal.reason === 'topic' && isForIntake(received.topic)) return this.#intake.offer(received);
      this.#noteRefusal(refusal);
      return undefined;
    }
  }

  /** @throws Refused */
  #distribute(received: Received): Promise<void> | undefined {
    const { topic, payload } = received;
    this.#names.admit(topic);
    if (isForIntake(topic)) return this.#intake.offer(received);
    if (isConnection(topic)) this.presence.take(received);
    else this.#events.onChunk?.(topic, payload);
    return undefined;
  }

  #noteRefusal(refusal: RefusedMessage): void {
    this.#events.onRefused(refusal);
    noteRefusal(this.#notices, refusal);
  }

  /** Nothing that a robot sends does this: it is a defect here, which must not end the ingestor. */
  #noteFault(topic: string, error: unknown): void {
    const where = JSON.stringify(topic.slice(0, 100));
    this.#notices.note('fault', `a message on ${where} could not be handled: ${describeError(error)}`);
  }

  #noteDeferred(robot: string): void {
    this.#events.onDeferred();
    this.#notices.note(
      'deferred',
      `${JSON.stringify(robot.slice(0, 100))} sends more than its share: some of it is left to be sent again`,
    );
  }

  /** Publishes something for a robot through every broker, of which it is at one. Lost where that takes no more. */
  tell(topic: string, payload: string): void {
    for (const link of this.#links) if (link.canPublish) link.publish(topic, payload, () => undefined);
  }

  links(): readonly LinkState[] {
    return this.#links.map(({ url, isUp }) => ({ url, isUp }));
  }

  /** Messages that were received and are not committed. */
  get waiting(): number {
    return this.#intake.size;
  }

  /** Age of the oldest of them, seconds. */
  get lagSeconds(): number {
    const oldest = this.#committer.oldestMs;
    return oldest === null ? 0 : Math.max(0, (Date.now() - oldest) / 1_000);
  }

  get acks(): { readonly sent: number; readonly dropped: number; readonly waiting: number } {
    const sum = (value: (acks: AckSender) => number): number =>
      this.#acks.reduce((total, acks) => total + value(acks), 0);
    return {
      sent: sum(({ sent }) => sent),
      dropped: sum(({ dropped }) => dropped),
      waiting: sum(({ waiting }) => waiting),
    };
  }
}

/** Whether it is stored, alone or out of a batch. */
function isForIntake(topic: string): boolean {
  return !isConnection(topic) && !topic.endsWith(CHUNK);
}
