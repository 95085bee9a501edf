import { randomUUID } from 'node:crypto';
import { MAX_PAYLOAD_BYTES } from '../../contract/telemetry/history.ts';
import { STORED_STREAMS, type Stream } from '../../contract/telemetry/streams.ts';
import { topicFilter } from '../../contract/telemetry/topics.ts';
import type { BrokerSecrets } from '../../platform/mqtt/broker-secrets.ts';
import { MqttSubscriber } from '../../platform/mqtt/mqtt-subscriber.ts';
import type { TlsFiles } from '../../platform/mqtt/tls-files.ts';
import { Presence } from '../presence/presence.ts';
import { AckSender } from './acks.ts';
import { Committer, type CommitEvents, type CommitStore } from './committer.ts';
import { Intake } from './intake.ts';
import { Notices } from './notices.ts';

/** Received, and not stored yet: a few seconds' worth. */
const LIMITS = { messages: 10_000, bytes: 64 << 20 };
const RECEIVE_MAXIMUM = 1_000;
/** Above what is refused with words, so that a robot's mistake is seen; what is beyond, the broker keeps to itself. */
const MAX_PACKET_BYTES = 2 * MAX_PAYLOAD_BYTES;
/** What is shared among ingestors: messages that are stored, alone or many in one. */
const SHARED: readonly Stream[] = [...STORED_STREAMS, 'history'];
const CLOSE_LIMIT_MS = 2_000;
const GROUP = 'goshawk';

export interface IngestorOptions extends BrokerSecrets, TlsFiles {
  /** of brokers */
  readonly urls: readonly string[];
  /** log, a line each */
  readonly say: (line: string) => void;
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
  readonly #intake = new Intake(LIMITS);
  readonly #committer: Committer;
  readonly #end = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor({ urls, say, ...rest }: IngestorOptions, store: CommitStore, events: CommitEvents) {
    const bootId = randomUUID();
    const notices = new Notices(say);
    this.#links = urls.map((url, link) => {
      const subscriber: MqttSubscriber = new MqttSubscriber(
        {
          ...rest,
          url,
          clientId: `goshawk-fleet:${bootId}`,
          shared: SHARED.map(topicFilter),
          group: GROUP,
          plain: [topicFilter('connection')],
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
          onMessage: (topic, payload) =>
            this.presence.take(topic, payload)
              ? undefined
              : this.#intake.offer({ link, topic, payload, receivedMs: Date.now() }),
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
