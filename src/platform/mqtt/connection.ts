import { readFileSync } from 'node:fs';
import { ReasonCodes, type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import type { BrokerSecrets } from './broker-secrets.ts';
import {
  CLOSED_IN_SILENCE,
  troubleOf,
  troubleOfDisconnect,
  troubleOfTakeOver,
  type LinkTrouble,
} from './link-trouble.ts';
import type { ReconnectStep } from './reconnect-plan.ts';
import type { TlsFiles } from './tls-files.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** CONNACK reasons for an unsupported protocol version: 1 in MQTT 3.1.1, 132 in MQTT 5. */
const VERSION_REFUSALS = new Set([1, 132]);

/** How a broker is spoken to, and whether it ever accepted a connection. */
export interface BrokerVersion {
  protocol: 4 | 5;
  everUp: boolean;
  /**
   * Why 3.1.1 is spoken. A connection that was closed in silence says little: a proxy in front of a broker that is not
   * up yet does the same. So once 3.1.1 is accepted, MQTT 5 is tried again, and only a broker that then hangs up on it
   * is taken for one that does not know it.
   */
  doubt: 'none' | 'open' | 'trying-again';
}

/** A broker of which nothing is known yet. */
export function newBrokerVersion(): BrokerVersion {
  return { protocol: 5, everUp: false, doubt: 'none' };
}

/** The version in the words of the standard. */
export function wordsOf({ protocol }: BrokerVersion): '5' | '3.1.1' {
  return protocol === 5 ? '5' : '3.1.1';
}

/** How a connection, or an attempt at one, ended. */
export interface ConnectionEnd {
  /** null if it was closed without a reason */
  readonly trouble: LinkTrouble | null;
  /** of the broker's DISCONNECT; null if there was none */
  readonly reasonCode: number | null;
  /** The other version is worth an attempt immediately, and nothing is wrong yet. */
  readonly isOtherVersion: boolean;
}

export interface ConnectionEvents {
  onConnect(properties: IConnackPacket['properties']): void;
  /** The owner drops the client. @returns false if it dropped it before: then nothing else is reported */
  release(): boolean;
  onEnd(end: ConnectionEnd): void;
}

/**
 * What all connections have in common. Reconnecting is up to the owner: each attempt has its own jitter and may change
 * the protocol version.
 * @throws the error of a TLS file that cannot be read
 */
export function commonOptions(
  {
    clientId,
    username,
    password,
    caFile,
    certFile,
    keyFile,
  }: BrokerSecrets & TlsFiles & { clientId: string },
  { protocol }: BrokerVersion,
): IClientOptions {
  return {
    clientId,
    protocolVersion: protocol,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    queueQoSZero: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
  };
}

/**
 * Follows a client from its first attempt to its end: why it ended, and which version the next attempt speaks, which
 * is noted in `version`.
 * @returns a function that ends the connection for a reason of the owner's
 */
export function followConnection(
  client: MqttClient,
  version: BrokerVersion,
  events: ConnectionEvents,
): (trouble: LinkTrouble) => void {
  let isUp = false;
  let isTriedAgain = false;
  let next = version.protocol;
  let trouble: LinkTrouble | null = null;
  let reasonCode: number | null = null;
  const fail = (reason: LinkTrouble): void => {
    trouble ??= reason;
    client.end(true);
  };
  client.on('connect', ({ properties }) => {
    isUp = true;
    if (version.doubt === 'open') {
      isTriedAgain = true;
      client.end(true);
      return;
    }
    version.everUp = true;
    version.doubt = 'none';
    events.onConnect(properties);
  });
  client.on('disconnect', (packet) => {
    reasonCode = packet.reasonCode ?? 0;
    const words = ReasonCodes[reasonCode as keyof typeof ReasonCodes] ?? '';
    trouble = troubleOfDisconnect(reasonCode, words);
  });
  client.on('error', (error: Error & { code?: unknown }) => {
    if (typeof error.code === 'number' && VERSION_REFUSALS.has(error.code)) next = 4;
    fail(troubleOf(error));
  });
  client.on('close', () => {
    if (!events.release()) return;
    client.removeAllListeners();
    client.on('error', () => undefined);
    client.end(true);
    const hasHungUp = !isUp && !version.everUp && trouble === null;
    const isOtherVersion = noteEnd(version, { next, hasHungUp, isTriedAgain });
    events.onEnd({ trouble, reasonCode, isOtherVersion });
  });
  return fail;
}

/**
 * Ends a connection once everything in progress is acknowledged, or when it is lost or destroyed before. MQTT.js itself
 * reports no end then, as long as a packet waits for its answer.
 */
export async function endConnection(client: MqttClient): Promise<void> {
  const closed = new Promise<void>((resolve) => client.stream.once('close', () => resolve()));
  await Promise.race([client.endAsync(!client.connected), closed]);
}

/**
 * Notes in `version` which one the next attempt speaks.
 * @returns whether that attempt is to be made immediately
 */
function noteEnd(
  version: BrokerVersion,
  end: {
    /** unless it hung up */
    readonly next: 4 | 5;
    /** without a reason, and before it ever accepted a connection */
    readonly hasHungUp: boolean;
    /** it accepted 3.1.1, and the connection was ended to try MQTT 5 again */
    readonly isTriedAgain: boolean;
  },
): boolean {
  const { protocol, doubt } = version;
  version.doubt = 'none';
  if (end.isTriedAgain) {
    version.protocol = 5;
    version.doubt = 'trying-again';
    return true;
  }
  if (!end.hasHungUp) {
    version.protocol = end.next;
    return end.next !== protocol;
  }
  // A broker that only knows 3.1.1 may hang up, without a reason, on a CONNECT that it cannot parse.
  version.protocol = protocol === 5 ? 4 : 5;
  if (protocol === 5 && doubt === 'none') version.doubt = 'open';
  return doubt === 'trying-again';
}

/** What to report of an end, given what it means for the next attempt. */
export function troubleToReport(
  trouble: LinkTrouble | null,
  { takenOver, waitMs }: ReconnectStep,
  clientId: string,
): LinkTrouble {
  if (takenOver === null) return trouble ?? CLOSED_IN_SILENCE;
  return troubleOfTakeOver(clientId, takenOver === 'said', Math.round(waitMs / 1000));
}
