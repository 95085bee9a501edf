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
}

/** A broker of which nothing is known yet. */
export function newBrokerVersion(): BrokerVersion {
  return { protocol: 5, everUp: false };
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
  /** The broker refused this version: the other one is worth an attempt immediately, and nothing is wrong yet. */
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
  let next = version.protocol;
  let trouble: LinkTrouble | null = null;
  let reasonCode: number | null = null;
  const fail = (reason: LinkTrouble): void => {
    trouble ??= reason;
    client.end(true);
  };
  client.on('connect', ({ properties }) => {
    isUp = true;
    version.everUp = true;
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
    // A broker that only knows 3.1.1 may hang up, without a reason, on a CONNECT that it cannot parse.
    if (!isUp && !version.everUp && trouble === null) next = version.protocol === 5 ? 4 : 5;
    const isOtherVersion = next !== version.protocol && trouble !== null;
    version.protocol = next;
    events.onEnd({ trouble, reasonCode, isOtherVersion });
  });
  return fail;
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
