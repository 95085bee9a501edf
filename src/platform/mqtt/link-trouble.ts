import type { ErrorCode } from '../../contract/errors.ts';

/** Codes for a link that is down. */
export type LinkCode = Extract<
  ErrorCode,
  | 'GOSHAWK_BROKER_UNREACHABLE'
  | 'GOSHAWK_BROKER_REFUSED'
  | 'GOSHAWK_LINK_CLOSED'
  | 'GOSHAWK_CLIENT_TAKEN_OVER'
  | 'GOSHAWK_FILE_UNREADABLE'
  | 'GOSHAWK_FILE_INVALID'
>;

/** Why a link is down. */
export interface LinkTrouble {
  readonly code: LinkCode;
  readonly reason: string;
}

/** DISCONNECT reasons with which a broker goes away; with the others it refuses what this client does. */
const GOING_AWAY: ReadonlySet<number> = new Set([0x00, 0x89, 0x8b, 0x8d, 0x9c, 0x9d]);

/**
 * A connection that was up and was closed without a word: a broker that ends, a network that breaks, or a
 * take-over; nobody is blamed yet.
 */
export const CLOSED_IN_SILENCE: LinkTrouble = {
  code: 'GOSHAWK_LINK_CLOSED',
  reason: 'the broker gave no reason',
};

/** What Node names errors of certificates and of the TLS protocol. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

/**
 * TLS files that fitted at start and are read anew at each connection: one may be gone, or half written while
 * it is renewed.
 */
export function troubleOfFiles({ message, code }: NodeJS.ErrnoException): LinkTrouble {
  const isAway = code !== undefined && /^E[A-Z]+$/.test(code);
  return { code: isAway ? 'GOSHAWK_FILE_UNREADABLE' : 'GOSHAWK_FILE_INVALID', reason: message };
}

/** An error of a socket or of a CONNACK: whether there is nobody, or somebody who says no. */
export function troubleOf(error: { readonly message: string; readonly code?: unknown }): LinkTrouble {
  const { code, message } = error;
  if (typeof code === 'number') return { code: 'GOSHAWK_BROKER_REFUSED', reason: message };
  if (typeof code === 'string' && TLS_CODE.test(code))
    return { code: 'GOSHAWK_BROKER_REFUSED', reason: `TLS: ${message}` };
  // Errors of several addresses of one name come as one without a message of its own.
  const text = message === '' && typeof code === 'string' ? code : message;
  return { code: 'GOSHAWK_BROKER_UNREACHABLE', reason: text };
}

/**
 * A message that was not delivered: what the broker has against it, or `null` where only the link was lost.
 */
export function troubleOfMessage(
  topic: string,
  { code, message }: { readonly message: string; readonly code?: unknown },
): LinkTrouble | null {
  if (typeof code !== 'number') return null;
  return { code: 'GOSHAWK_BROKER_REFUSED', reason: `it does not take messages on ${topic}: ${message}` };
}

/** MQTT 5's reason code for a packet above the broker's limit. */
const PACKET_TOO_LARGE = 0x95;

/** The error of a message that the broker cannot accept whenever it is sent. */
export function tooLarge(bytes: number, maxBytes: number): Error & { readonly code: number } {
  const message = `it has ${String(bytes)} bytes, the broker accepts ${String(maxBytes)}`;
  return Object.assign(new Error(message), { code: PACKET_TOO_LARGE });
}

/** The message can never be delivered to this broker. */
export function isTooLarge({ code }: { readonly code?: unknown }): boolean {
  return code === PACKET_TOO_LARGE;
}

/** A DISCONNECT that the broker sent. @param words its own, empty where it gave none */
export function troubleOfDisconnect(reasonCode: number, words: string): LinkTrouble {
  const reason =
    'it ended the connection with reason ' +
    `0x${reasonCode.toString(16).padStart(2, '0')}${words === '' ? '' : ` (${words})`}`;
  return {
    code: GOING_AWAY.has(reasonCode) ? 'GOSHAWK_BROKER_UNREACHABLE' : 'GOSHAWK_BROKER_REFUSED',
    reason,
  };
}

/**
 * A connection that another client took over.
 * @param isSaid by the broker itself
 * @param waitSeconds until the next attempt
 */
export function troubleOfTakeOver(clientId: string, isReported: boolean, waitSeconds: number): LinkTrouble {
  const found = isReported
    ? `client id "${clientId}" is used elsewhere as well (the broker says "session taken over")`
    : 'the broker accepts each connection and soon closes it in silence, as it does where ' +
      `client id "${clientId}" is used elsewhere as well, or where it forbids these topics`;
  const reason =
    `${found}; it is tried again in ${String(waitSeconds)} s, so that the two do not evict ` +
    'each other without end';
  return { code: 'GOSHAWK_CLIENT_TAKEN_OVER', reason };
}
