import { randomUUID } from 'node:crypto';
import { tryParseJson } from '../../../contract/json.ts';
import { PAYLOAD_VERSION } from '../../../contract/telemetry/header.ts';
import { payloadSchemaOf, type StreamPayload } from '../../../contract/telemetry/payloads.ts';
import { STORED_STREAMS, type Stream } from '../../../contract/telemetry/streams.ts';
import { topicFilter } from '../../../contract/telemetry/topics.ts';
import { readHistory } from '../../../platform/history-batch.ts';
import { MqttSubscriber } from '../../../platform/mqtt/mqtt-subscriber.ts';

/** Fixed header 2 or 3, length of the topic 2, packet id 2, properties 1. */
const PUBLISH_OVERHEAD_BYTES = 8;

/** What all messages begin with: a `history` message would have nothing else. */
const headerSchema = payloadSchemaOf('history');

/** Messages of a stream, and their bytes as PUBLISH packets. */
export interface ReceivedStream {
  messages: number;
  bytes: number;
}

/** The fleet's end of a benchmark: acknowledges everything at once and keeps nothing but counts. */
export class AckingFleet {
  readonly received = new Map<Stream, ReceivedStream>();
  #liveAt: number | null = null;
  readonly #subscriber: MqttSubscriber;
  readonly #bootId = randomUUID();
  #sent = 0;

  private constructor(url: string, onUp: () => void) {
    this.#subscriber = new MqttSubscriber(
      {
        url,
        clientId: `goshawk-bench:${this.#bootId}`,
        shared: [],
        group: 'bench',
        plain: ['connection' as const, 'history' as const, ...STORED_STREAMS].map(topicFilter),
        receiveMaximum: 100,
        maxPacketBytes: 2 << 20,
      },
      {
        onUp,
        onDown: () => undefined,
        onMessage: (topic, payload) => {
          this.#take(topic, payload);
          return undefined;
        },
        onFault: (_topic, error) => {
          throw error;
        },
      },
    );
    this.#subscriber.open();
  }

  /** Resolves once it is subscribed. */
  static async start(url: string): Promise<AckingFleet> {
    return new Promise((resolve) => {
      const fleet: AckingFleet = new AckingFleet(url, () => resolve(fleet));
    });
  }

  /**
   * When it acknowledged the first message since `forgetLive` that was made while the robot was connected, which comes
   * on the topic of its own stream; milliseconds of `performance.now()`.
   */
  get liveAt(): number | null {
    return this.#liveAt;
  }

  forgetLive(): void {
    this.#liveAt = null;
  }

  async close(): Promise<void> {
    await this.#subscriber.close(1_000);
  }

  #take(topic: string, payload: Buffer): void {
    const stream = topic.slice(topic.lastIndexOf('/') + 1) as Stream;
    const counts = this.received.get(stream) ?? { messages: 0, bytes: 0 };
    counts.messages += 1;
    counts.bytes += PUBLISH_OVERHEAD_BYTES + Buffer.byteLength(topic) + payload.length;
    this.received.set(stream, counts);
    if (stream === 'connection') return;
    const acks =
      stream === 'history'
        ? historyOf(payload).flatMap((one) => ackOf(one.stream, one.payload))
        : ackOf(stream, payload.toString());
    const [first] = acks;
    if (first === undefined) return;
    this.#acknowledge(topic.replace(/[^/]+$/, 'ack'), acks, first.header);
    if (stream !== 'history') this.#liveAt ??= performance.now();
  }

  #acknowledge(topic: string, acks: readonly Ack[], { serialNumber, node }: Ack['header']): void {
    const payload: StreamPayload<'ack'> = {
      headerId: this.#sent++,
      timestamp: new Date().toISOString(),
      version: PAYLOAD_VERSION,
      manufacturer: 'Goshawk',
      serialNumber,
      node,
      bootId: this.#bootId,
      acks: acks.map(({ stream, header }) => ({
        stream,
        bootId: header.bootId,
        ranges: [[header.firstHeaderId ?? header.headerId, header.headerId]],
      })),
    };
    this.#subscriber.publish(topic, JSON.stringify(payload), () => undefined);
  }
}

interface Ack {
  readonly stream: string;
  readonly header: StreamPayload<'history'>;
}

function historyOf(payload: Buffer): readonly { readonly stream: string; readonly payload: string }[] {
  const messages = readHistory(payload);
  return 'ok' in messages ? [] : messages;
}

function ackOf(stream: string, payload: string): Ack[] {
  const { data } = headerSchema.safeParse(tryParseJson(payload));
  return data === undefined ? [] : [{ stream, header: data }];
}
