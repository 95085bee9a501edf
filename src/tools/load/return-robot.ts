import { randomUUID } from 'node:crypto';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { telemetryTopic } from '../../contract/telemetry/topics.ts';
import { telemetryClientId } from '../../contract/telemetry/speaker.ts';
import { createRandom } from '../../core/random.ts';
import { BrokerChoice } from '../../platform/mqtt/broker-choice.ts';
import { brokersFor } from '../../platform/mqtt/broker-list.ts';
import { BACKOFF, ReconnectPlan } from '../../platform/mqtt/reconnect-plan.ts';
import { publishPacket } from './packets.ts';
import { makeTemplate, senderOf, simulatedState, type Origin, type Template } from './payloads.ts';
import { QuickClient } from './quick-client.ts';

const KEEP_ALIVE_SECONDS = 300;
const LOOK_MS = 120_000;
/** As a real robot: what is not acknowledged for so long is sent again. */
const RESEND_MS = 15_000;

export interface ReturnEvents {
  onConnected(): void;
  onFailed(): void;
  /** the fleet has stored the state with which it came back */
  onLive(): void;
}

/**
 * A robot with a connection of its own, which it makes again after the pauses of a real one. On each it publishes its
 * birth, which the broker retains, and its state.
 */
export class ReturnRobot {
  readonly origin: Origin;
  readonly #events: ReturnEvents;
  readonly #choice: BrokerChoice;
  readonly #plan: ReconnectPlan;
  readonly #state: Template;
  readonly #resendMs: number;
  #client: QuickClient | null = null;
  #births = 0;
  #isUp = false;
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;
  #resend: NodeJS.Timeout | undefined;
  /** states that it has sent */
  states = 0;
  /** all of them are stored */
  isLive = false;

  /** @param haste divides all pauses */
  constructor(
    robot: string,
    {
      urls,
      seed,
      haste,
    }: { readonly urls: readonly string[]; readonly seed: number; readonly haste: number },
    events: ReturnEvents,
  ) {
    this.origin = { site: 'load', robot, node: 'detector', bootId: randomUUID() };
    this.#events = events;
    this.#choice = new BrokerChoice(brokersFor(`load/${robot}`, urls), LOOK_MS);
    const { firstMs, maxMs } = BACKOFF;
    this.#plan = new ReconnectPlan(urls.length, { firstMs: firstMs / haste, maxMs: maxMs / haste });
    this.#resendMs = RESEND_MS / haste;
    this.#state = makeTemplate(this.origin, 'state', simulatedState(createRandom(seed)));
  }

  get isConnected(): boolean {
    return this.#isUp;
  }

  connect(): void {
    this.#births += 1;
    const client: QuickClient = new QuickClient(
      {
        port: Number(new URL(this.#choice.url).port),
        clientId: telemetryClientId(this.origin),
        keepAliveSeconds: KEEP_ALIVE_SECONDS,
        receiveMaximum: 20,
        filter: telemetryTopic(this.origin, 'ack'),
        will: {
          topic: telemetryTopic(this.origin, 'connection'),
          payload: this.#presence('CONNECTION_BROKEN'),
        },
      },
      {
        onUp: () => this.#begin(client),
        onMessage: () => this.#noteLive(),
        onEnd: () => this.#again(),
      },
    );
    this.#client = client;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#resend);
    this.#client?.close();
  }

  #begin(client: QuickClient): void {
    this.#isUp = true;
    this.isLive = false;
    this.#plan.noteUp(performance.now());
    this.#choice.noteUp();
    const birth = publishPacket(
      telemetryTopic(this.origin, 'connection'),
      Buffer.from(this.#presence('ONLINE')),
      true,
    );
    client.publish(birth.bytes, birth.idAt);
    this.#sendState(client);
    this.#events.onConnected();
  }

  /** Until it is acknowledged. */
  #sendState(client: QuickClient): void {
    const { packet, idAt } = this.#state;
    const timestamp = new Date().toISOString();
    const number = this.states++;
    const send = (): void =>
      client.publish(packet, idAt, (copy, at) => this.#state.patch(copy, at, number, timestamp));
    send();
    clearInterval(this.#resend);
    this.#resend = setInterval(send, this.#resendMs);
  }

  /** It sends one message at a time, so any acknowledgement is that of its state. */
  #noteLive(): void {
    if (this.isLive) return;
    this.isLive = true;
    clearInterval(this.#resend);
    this.#events.onLive();
  }

  #again(): void {
    if (this.#isClosed) return;
    if (!this.#isUp) this.#events.onFailed();
    this.#isUp = false;
    clearInterval(this.#resend);
    const { upMs, waitMs } = this.#plan.noteEnd({ reasonCode: null, isSilent: false }, performance.now());
    this.#choice.noteEnd(upMs, false);
    this.#retry = setTimeout(() => this.connect(), waitMs);
  }

  #presence(connectionState: StreamBody<'connection'>['connectionState']): string {
    return JSON.stringify({
      headerId: connectionState === 'ONLINE' ? 2 * this.#births + 1 : 2 * this.#births,
      timestamp: new Date().toISOString(),
      ...senderOf(this.origin),
      connectionState,
      birthHeaderId: 2 * this.#births + 1,
    });
  }
}
