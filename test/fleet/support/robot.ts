import { randomUUID } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import type { StoredStream, StreamBody } from '../../../src/contract/telemetry/streams.ts';
import { NumberSet } from '../../../src/core/ledger/number-set.ts';

const ackSchema = payloadSchemaOf('ack');

/** What of a message a test decides. */
export interface Produced {
  readonly stream: StoredStream;
  readonly headerId: number;
  readonly payload: string;
}

const stateBody = { uptimeSeconds: 1, lifecycle: 'active', bundle: null, cameras: [], host: {} };
const metricsBody: StreamBody<'metrics'> = {
  window: { start: '2026-01-01T00:00:00.000Z', end: '2026-01-01T00:00:10.000Z' },
  bundle: null,
  cameras: [],
  process: { residentBytes: 1, eventLoopDelayP99Ms: 0.1 },
  host: {},
};

/**
 * A robot that speaks the contract: it keeps what it produced until the fleet acknowledges it, and sends it again and
 * again until then, whatever the broker said.
 */
export class Robot {
  static readonly metricsBody = metricsBody;
  readonly site = 'yard';
  readonly robot: string;
  readonly node = 'detector';
  readonly bootId = randomUUID();
  readonly #url: string;
  #client: MqttClient | undefined;
  readonly #unacked = new Map<string, Produced>();
  readonly #next = new Map<StoredStream, number>();
  readonly acked = new Map<string, NumberSet>();
  acks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string, robot: string) {
    this.#url = url;
    this.robot = robot;
  }

  get unacked(): number {
    return this.#unacked.size;
  }

  async connect(protocolVersion: 4 | 5 = 5): Promise<void> {
    const client = mqtt.connect(this.#url, {
      protocolVersion,
      clean: false,
      clientId: `robot:${this.robot}`,
      ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3_600 } } : {}),
      reconnectPeriod: 200,
      queueQoSZero: false,
    });
    client.on('error', () => undefined);
    client.on('message', (_topic, payload) => this.#forget(payload));
    this.#client = client;
    await new Promise((resolve) => client.once('connect', resolve));
    await client.subscribeAsync(this.topic('ack'), { qos: 1 });
    this.#timer = setInterval(() => this.#sendAgain(), 700);
  }

  topic(stream: string): string {
    return `fleet/v1/${this.site}/${this.robot}/${this.node}/${stream}`;
  }

  header(headerId: number): object {
    return {
      headerId,
      timestamp: new Date().toISOString(),
      version: '1.2.0',
      manufacturer: 'Goshawk',
      serialNumber: this.robot,
      node: this.node,
      bootId: this.bootId,
      bootCount: 0,
    };
  }

  /** Numbers a message, keeps it, and sends it. */
  produce(stream: StoredStream, body: object = stream === 'state' ? stateBody : metricsBody): number {
    const headerId = this.skip(stream);
    const payload = JSON.stringify({ ...this.header(headerId), ...body });
    this.keep({ stream, headerId, payload });
    return headerId;
  }

  /** Uses a number up, for a message that is lost. */
  skip(stream: StoredStream): number {
    const headerId = this.#next.get(stream) ?? 0;
    this.#next.set(stream, headerId + 1);
    return headerId;
  }

  keep(message: Produced): void {
    this.#unacked.set(`${message.stream}/${message.headerId}`, message);
    this.#send(message);
  }

  produced(stream: StoredStream): number {
    return this.#next.get(stream) ?? 0;
  }

  /** Publishes anything, as anybody could. */
  async say(topic: string, payload: string | Buffer, retain = false): Promise<void> {
    await this.#client?.publishAsync(topic, payload, { qos: 1, retain });
  }

  /** Says how it is connected. The broker keeps that for those who subscribe later, as that of a real robot. */
  async sayConnection(connectionState: string): Promise<void> {
    await this.say(this.topic('connection'), JSON.stringify({ ...this.header(0), connectionState }), true);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#client?.endAsync(true);
  }

  #send({ stream, payload }: Produced): void {
    if (this.#client?.connected !== true) return;
    this.#client.publish(this.topic(stream), payload, { qos: 1 }, () => undefined);
  }

  #sendAgain(): void {
    for (const message of [...this.#unacked.values()].slice(0, 500)) this.#send(message);
  }

  #forget(payload: Buffer): void {
    this.acks += 1;
    for (const { stream, bootId, ranges } of ackSchema.parse(JSON.parse(payload.toString('utf8'))).acks) {
      if (bootId !== this.bootId) continue;
      const numbers = this.acked.get(stream) ?? new NumberSet();
      this.acked.set(stream, numbers);
      numbers.addAll(ranges);
      for (const [first, last] of ranges)
        for (let id = first; id <= last; id += 1) this.#unacked.delete(`${stream}/${id}`);
    }
  }
}
