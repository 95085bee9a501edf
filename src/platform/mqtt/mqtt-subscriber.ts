import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import { debugLog } from '../debug.ts';
import type { BrokerSecrets } from './broker-secrets.ts';
import {
  commonOptions,
  endConnection,
  followConnection,
  newBrokerVersion,
  troubleToReport,
  wordsOf,
  type ConnectionEnd,
} from './connection.ts';
import { troubleOfFiles, type LinkTrouble } from './link-trouble.ts';
import { ReconnectPlan, type AttemptTiming } from './reconnect-plan.ts';
import type { TlsFiles } from './tls-files.ts';

const debug = debugLog('mqtt');

/** A broker that does not say how many it accepts (MQTT 3.1.1). */
const DEFAULT_IN_FLIGHT = 20;
/** There are few subscribers: they come back sooner than robots do. */
const TIMING: AttemptTiming = { firstMs: 2_000, maxMs: 15_000 };
/** SUBACK reasons from here on are refusals. */
const FIRST_REFUSAL = 0x80;

export interface SubscriberOptions extends BrokerSecrets, TlsFiles {
  readonly url: string;
  readonly clientId: string;
  /** topic filters whose messages the members of the group share; each gets all of them where the broker cannot */
  readonly shared: readonly string[];
  readonly group: string;
  /** topic filters of which every member gets all messages, the retained ones at each connection */
  readonly plain: readonly string[];
  /** messages that the broker may send before one of them is acknowledged; MQTT 5 only */
  readonly receiveMaximum: number;
  /** the broker keeps larger ones to itself; MQTT 5 only */
  readonly maxPacketBytes: number;
  /** times between attempts; those of a few subscribers if it is not given */
  readonly timing?: AttemptTiming;
}

export interface SubscriberEvents {
  /** @param isShared whether the broker shares messages among the group */
  onUp(protocol: '5' | '3.1.1', isShared: boolean): void;
  onDown(trouble: LinkTrouble): void;
  /**
   * Takes a message, which is acknowledged to the broker then.
   * @param isRetained the broker had kept it, so it may be of any age
   * @returns a promise to be waited for before the next message is read; undefined for none
   */
  onMessage(topic: string, payload: Buffer, isRetained: boolean): Promise<void> | undefined;
  /** `onMessage` threw, or its promise was rejected; the next message is read all the same */
  onFault(topic: string, error: unknown): void;
}

/**
 * A subscriber without a session: what it has not acknowledged when it goes is not kept for it. MQTT 5 first, and
 * 3.1.1 where the broker refuses that version or hangs up on it twice. It reads nothing while the consumer is busy, so
 * that what waits does so in the broker.
 */
export class MqttSubscriber {
  readonly #options: SubscriberOptions;
  readonly #events: SubscriberEvents;
  readonly #plan: ReconnectPlan;
  #client: MqttClient | undefined;
  readonly #version = newBrokerVersion();
  #isSubscribed = false;
  #isClosing = false;
  #retry: NodeJS.Timeout | undefined;
  #isGathering = false;
  #inFlight = 0;
  #maxInFlight = DEFAULT_IN_FLIGHT;

  constructor(options: SubscriberOptions, events: SubscriberEvents) {
    this.#options = options;
    this.#events = events;
    this.#plan = new ReconnectPlan(1, options.timing ?? TIMING);
  }

  get url(): string {
    return this.#options.url;
  }

  /** Connected, and subscribed to everything. */
  get isUp(): boolean {
    return this.#isSubscribed && this.#client?.connected === true;
  }

  /** Whether the broker takes another message now. */
  get canPublish(): boolean {
    return this.#client?.connected === true && this.#inFlight < this.#maxInFlight;
  }

  /** Connects, and goes on trying. Never throws. */
  open(): void {
    let client: MqttClient;
    debug(() => `subscribing at ${this.#options.url} by MQTT ${wordsOf(this.#version)}`);
    try {
      client = mqtt.connect(this.#options.url, this.#clientOptions());
    } catch (error) {
      this.#retreat({ trouble: troubleOfFiles(error as Error), reasonCode: null });
      return;
    }
    this.#follow(client);
  }

  /**
   * Publishes with QoS 1, if `canPublish`. A message that the connection takes with it when it goes is lost.
   * @param onSettled called when the broker has acknowledged it, or never will
   */
  publish(topic: string, payload: string, onSettled: () => void): void {
    const client = this.#client;
    if (client?.connected !== true) return;
    this.#inFlight += 1;
    client.publish(topic, payload, { qos: 1 }, () => {
      if (this.#client !== client) return;
      this.#inFlight -= 1;
      onSettled();
    });
  }

  /** Ends the connection once what was published and subscribed is acknowledged, or after the limit. */
  async close(limitMs: number): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    if (client === undefined) return;
    const drop = setTimeout(() => client.stream.destroy(), limitMs);
    await endConnection(client).catch(() => undefined);
    clearTimeout(drop);
  }

  #clientOptions(): IClientOptions {
    const { receiveMaximum, maxPacketBytes } = this.#options;
    const isNew = this.#version.protocol === 5;
    return {
      ...commonOptions(this.#options, this.#version),
      clean: true,
      resubscribe: false,
      // its own debug log, which costs time for each message also while nobody reads it
      log: () => undefined,
      ...(isNew ? { properties: { receiveMaximum, maximumPacketSize: maxPacketBytes } } : {}),
    };
  }

  #follow(client: MqttClient): void {
    this.#client = client;
    // set before the first packet can come
    client.handleMessage = ({ topic, payload, retain }, done) => {
      this.#gatherWrites(client);
      const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
      this.#hand(topic.toString(), bytes, retain, () => done());
    };
    const fail = followConnection(client, this.#version, {
      onConnect: (properties) => this.#begin(client, properties, (trouble) => fail(trouble)),
      release: () => {
        if (this.#client !== client) return false;
        this.#client = undefined;
        this.#isSubscribed = false;
        return true;
      },
      onEnd: (end) => {
        if (this.#isClosing) return;
        if (end.isOtherVersion) this.open();
        else this.#retreat(end);
      },
    });
  }

  /** Gives a message to the consumer. Whatever becomes of it, it is done once: else no other would ever be read. */
  #hand(topic: string, payload: Buffer, isRetained: boolean, done: () => void): void {
    const fail = (error: unknown): void => {
      done();
      this.#events.onFault(topic, error);
    };
    let busy: Promise<void> | undefined;
    try {
      busy = this.#events.onMessage(topic, payload, isRetained);
    } catch (error) {
      fail(error);
      return;
    }
    if (busy === undefined) done();
    else void busy.then(done, fail);
  }

  /** The broker accepted the connection: the subscription follows. */
  #begin(
    client: MqttClient,
    properties: IConnackPacket['properties'],
    fail: (trouble: LinkTrouble) => void,
  ): void {
    this.#inFlight = 0;
    this.#maxInFlight = properties?.receiveMaximum ?? DEFAULT_IN_FLIGHT;
    this.#plan.noteUp(performance.now());
    // 3.1.1 has no shared subscriptions: a broker may take the filter for an ordinary one that matches nothing.
    const isShared =
      this.#version.protocol === 5 &&
      (properties as { sharedSubscriptionAvailable?: boolean } | undefined)?.sharedSubscriptionAvailable !==
        false;
    this.#subscribe(client, isShared).then(
      () => {
        this.#isSubscribed = true;
        this.#events.onUp(wordsOf(this.#version), isShared);
      },
      (error: Error) => fail({ code: 'GOSHAWK_BROKER_REFUSED', reason: error.message }),
    );
  }

  /** What is written for the messages of one read, such as their acknowledgements, becomes one write. */
  #gatherWrites({ stream }: MqttClient): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    stream.cork();
    setImmediate(() => {
      this.#isGathering = false;
      stream.uncork();
    });
  }

  async #subscribe(client: MqttClient, isShared: boolean): Promise<void> {
    const { shared, group, plain } = this.#options;
    const filters = [...shared.map((filter) => (isShared ? `$share/${group}/${filter}` : filter)), ...plain];
    const grants = await client.subscribeAsync(filters, { qos: 1 });
    const refused = grants.find(({ qos }) => qos >= FIRST_REFUSAL);
    if (refused !== undefined) throw new Error(`it refuses the subscription to ${refused.topic}`);
  }

  /** Reports why the link is down and waits for as long as that requires. */
  #retreat({ trouble, reasonCode }: Omit<ConnectionEnd, 'isOtherVersion'>): void {
    const step = this.#plan.noteEnd({ reasonCode, isSilent: trouble === null }, performance.now());
    this.#events.onDown(troubleToReport(trouble, step, this.#options.clientId));
    this.#retry = setTimeout(() => this.open(), step.waitMs);
  }
}
