import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { debugLog } from '../debug.ts';
import { BrokerChoice } from './broker-choice.ts';
import type { BrokerSecrets } from './broker-secrets.ts';
import { InboundLimit } from './inbound-limit.ts';
import { isListening } from './is-listening.ts';
import {
  commonOptions,
  endConnection,
  followConnection,
  newBrokerVersion,
  troubleToReport,
  wordsOf,
  type BrokerVersion,
  type ConnectionEnd,
} from './connection.ts';
import { MOVED_BACK, tooLarge, troubleOfFiles, type LinkTrouble } from './link-trouble.ts';
import { ReconnectPlan, type AttemptTiming } from './reconnect-plan.ts';
import type { TlsFiles } from './tls-files.ts';

const debug = debugLog('mqtt');

const SESSION_EXPIRY_SECONDS = 86_400;

const LOOK_MS = 120_000;

/** A last word to the broker that is left may take this long. */
const LEAVE_LIMIT_MS = 3_000;

/**
 * Maximum overhead of a PUBLISH besides topic and payload: fixed header 5, length of the topic 2, packet id 2,
 * properties 1.
 */
const PUBLISH_OVERHEAD_BYTES = 10;

/** Who connects, and the last will. */
export interface LinkIdentity {
  readonly clientId: string;
  /**
   * published by the broker, retained and with QoS 1, when this client disappears; the payload is made for each
   * attempt to connect
   */
  readonly will: { readonly topic: string; payload(): string };
  /** topics that are subscribed to on every connection, with QoS 1 */
  readonly listensTo?: readonly string[];
}

/** Times between attempts; the defaults are those of a fleet of 10,000. */
export interface LinkTiming extends AttemptTiming {
  /** between looks at the preferred broker while another one is used, on average */
  readonly lookMs: number;
}

export interface LinkOptions extends LinkIdentity, BrokerSecrets, TlsFiles {
  /** the preferred broker, then those that are tried where it cannot be reached; all with the same security */
  readonly urls: readonly string[];
  readonly timing?: LinkTiming;
}

export interface PublishOptions {
  readonly qos: 0 | 1;
  /** the broker keeps the message for later subscribers */
  readonly retain: boolean;
}

export interface LinkEvents {
  onUp(protocol: '5' | '3.1.1', url: string): void;
  /** @param url the broker that it was, or should have been, connected to */
  onDown(trouble: LinkTrouble, url: string): void;
  /** The link goes back to the preferred broker in a moment: a last word to the one that it leaves. */
  onLeave?(): Promise<void>;
  /** a message on a topic that the link listens to */
  onMessage?(payload: Buffer, topic: string): void;
}

/**
 * The only place that uses MQTT.js. Tries MQTT 5 first; if the broker refuses that version, or hangs up on it before
 * and after it accepts 3.1.1, that one from then on. Where a broker of the list cannot be reached, the next one is
 * tried. MQTT.js keeps no queue: `publish` rejects while the link is down, and the caller's outbox keeps the message.
 */
export class MqttLink {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #choice: BrokerChoice;
  readonly #versions = new Map<string, BrokerVersion>();
  #client: MqttClient | undefined;
  /** that the broker accepts; only MQTT 5 reports it */
  #maxPacketBytes = Infinity;
  #closing = false;
  #retry: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  readonly #plan: ReconnectPlan;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#choice = new BrokerChoice(options.urls, options.timing?.lookMs ?? LOOK_MS);
    this.#plan = new ReconnectPlan(options.urls.length, options.timing);
  }

  get connected(): boolean {
    return this.#client?.connected ?? false;
  }

  /**
   * Connects, and keeps trying. Never throws: what cannot be used, such as a file that is gone, is reported as a link
   * that is down.
   */
  open(): void {
    let client: MqttClient;
    const { url } = this.#choice;
    const version = this.#versionOf(url);
    debug(() => `connecting to ${url} by MQTT ${wordsOf(version)}`);
    try {
      client = mqtt.connect(url, this.#clientOptions(version));
    } catch (error) {
      this.#retreat({ trouble: troubleOfFiles(error as Error), reasonCode: null });
      return;
    }
    this.#follow(client, url, version);
  }

  #versionOf(url: string): BrokerVersion {
    const known = this.#versions.get(url) ?? newBrokerVersion();
    this.#versions.set(url, known);
    return known;
  }

  #clientOptions(version: BrokerVersion): IClientOptions {
    const { will } = this.#options;
    return {
      ...commonOptions(this.#options, version),
      clean: false,
      ...(version.protocol === 5 ? { properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS } } : {}),
      will: { topic: will.topic, payload: Buffer.from(will.payload()), qos: 1, retain: true },
    };
  }

  #follow(client: MqttClient, url: string, version: BrokerVersion): void {
    this.#client = client;
    client.on('message', (topic, payload) => {
      // A broker may send what nobody subscribed to.
      if (this.#options.listensTo?.includes(topic) === true) this.#events.onMessage?.(payload, topic);
    });
    const fail = followConnection(client, version, {
      onConnect: (properties) => {
        this.#maxPacketBytes = properties?.maximumPacketSize ?? Infinity;
        this.#plan.noteUp(performance.now());
        this.#choice.noteUp();
        this.#events.onUp(wordsOf(version), url);
        this.#listen(client);
        this.#lookLater();
      },
      release: () => {
        if (this.#closing || this.#client !== client) return false;
        this.#client = undefined;
        return true;
      },
      onEnd: (end) => {
        if (end.isOtherVersion) this.open();
        else this.#retreat(end);
      },
    });
    limitInbound(client, fail);
  }

  #listen(client: MqttClient): void {
    const { listensTo } = this.#options;
    if (listensTo === undefined) return;
    client.subscribe([...listensTo], { qos: 1 }, (error) => {
      if (error !== null) debug(() => `not subscribed to ${listensTo.join(' ')}: ${error.message}`);
    });
  }

  /** Reports why the link is down and waits for as long as that requires. */
  #retreat({ trouble, reasonCode }: Omit<ConnectionEnd, 'isOtherVersion'>): void {
    const step = this.#plan.noteEnd({ reasonCode, isSilent: trouble === null }, performance.now());
    const { takenOver, upMs, waitMs } = step;
    const { url } = this.#choice;
    clearTimeout(this.#look);
    this.#choice.noteEnd(upMs, takenOver === 'likely');
    debug(
      () =>
        `link to ${url} down: ${trouble?.reason ?? 'closed without a reason'}; ` +
        `next attempt in ${Math.round(waitMs)} ms`,
    );
    this.#events.onDown(troubleToReport(trouble, step, this.#options.clientId), url);
    this.#retry = setTimeout(() => this.open(), waitMs);
  }

  /** While another broker than the preferred one is used: looks at that one after a while. */
  #lookLater(): void {
    clearTimeout(this.#look);
    if (this.#closing || this.#choice.isPreferred) return;
    this.#look = setTimeout(() => void this.#lookNow(), this.#choice.nextLookMs());
  }

  async #lookNow(): Promise<void> {
    const client = this.#client;
    const wasThere = await isListening(this.#choice.preferred);
    const isCurrent = (): boolean => !this.#closing && client?.connected === true && this.#client === client;
    if (!isCurrent()) return;
    if (!this.#choice.noteLook(wasThere)) {
      this.#lookLater();
      return;
    }
    const limit = new Promise((resolve) => setTimeout(resolve, LEAVE_LIMIT_MS).unref());
    await Promise.race([this.#events.onLeave?.().catch(() => undefined), limit]);
    if (client !== undefined && isCurrent()) this.#moveBack(client);
  }

  #moveBack(client: MqttClient): void {
    const { url } = this.#choice;
    this.#client = undefined;
    client.end();
    this.#plan.noteEnd({ reasonCode: null, isSilent: false }, performance.now());
    this.#choice.goBack();
    this.#events.onDown(MOVED_BACK, url);
    this.open();
  }

  /**
   * Resolves on the broker's PUBACK (QoS 1). Rejects if the link is down or goes down first, and for a message that the
   * broker does not accept; the error's `code` is then the reason code of MQTT 5.
   */
  async publish(topic: string, payload: string | Buffer, { qos, retain }: PublishOptions): Promise<void> {
    const client = this.#client;
    if (client?.connected !== true) throw new Error('the link is down');
    const bytes = Buffer.byteLength(topic) + Buffer.byteLength(payload) + PUBLISH_OVERHEAD_BYTES;
    // Sending it anyway would end the connection.
    if (bytes > this.#maxPacketBytes) throw tooLarge(bytes, this.#maxPacketBytes);
    let onClose: (() => void) | undefined;
    const lost = new Promise<never>((_resolve, reject) => {
      onClose = () => reject(new Error('the link went down'));
      client.once('close', onClose);
    });
    try {
      await Promise.race([client.publishAsync(topic, payload, { qos, retain }), lost]);
    } finally {
      if (onClose) client.removeListener('close', onClose);
    }
  }

  /** Closes the connection immediately, whatever is in progress. */
  drop(): void {
    // Once it is ending, MQTT.js waits for acknowledgements and cannot be stopped; the socket can.
    this.#client?.stream.destroy();
  }

  /** Closes the connection once everything in progress is acknowledged, or it is dropped. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#look);
    if (this.#client !== undefined) await endConnection(this.#client);
  }
}

/** Ends a connection through which more comes than a robot has asked for. */
function limitInbound(client: MqttClient, fail: (trouble: LinkTrouble) => void): void {
  const limit = new InboundLimit(performance.now());
  const check = (reason: string | null): void => {
    if (reason !== null) fail({ code: 'GOSHAWK_BROKER_FLOODING', reason });
  };
  client.stream.on('data', (bytes: Buffer) => check(limit.noteBytes(bytes.length, performance.now())));
  client.on('packetreceive', ({ cmd }) => check(limit.notePacket(cmd === 'publish', performance.now())));
}
