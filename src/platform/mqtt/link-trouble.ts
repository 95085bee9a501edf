import type { ErrorCode } from '../../contract/errors.ts';

/** Codes for a link that is down. */
export type LinkCode = Extract<
  ErrorCode,
  | 'GOSHAWK_BROKER_UNREACHABLE'
  | 'GOSHAWK_BROKER_REFUSED'
  | 'GOSHAWK_BROKER_FLOODING'
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

/** DISCONNECT reasons of a broker that goes away; with any other it objects to what this client does. */
const GOING_AWAY: ReadonlySet<number> = new Set([0x00, 0x89, 0x8b, 0x8d, 0x9c, 0x9d]);

/**
 * A connection that was up and was closed without a reason: the broker shut down, the network broke, or another client
 * took over; nobody is blamed yet.
 */
export const CLOSED_IN_SILENCE: LinkTrouble = {
  code: 'GOSHAWK_LINK_CLOSED',
  reason: 'the broker gave no reason',
};

/** The link left a broker by itself. */
export const MOVED_BACK: LinkTrouble = {
  code: 'GOSHAWK_LINK_CLOSED',
  reason: 'this client returns to its preferred broker, which is there again',
};

/** Node's error codes for certificates and the TLS protocol. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

/**
 * TLS files that were valid at start are read again for each connection: one may be gone, or half written during a
 * renewal.
 */
export function troubleOfFiles({ message, code }: NodeJS.ErrnoException): LinkTrouble {
  const isAway = code !== undefined && /^E[A-Z]+$/.test(code);
  return { code: isAway ? 'GOSHAWK_FILE_UNREADABLE' : 'GOSHAWK_FILE_INVALID', reason: message };
}

/** An error of a socket or of a CONNACK: either nobody answers, or somebody refuses. */
export function troubleOf(error: { readonly message: string; readonly code?: unknown }): LinkTrouble {
  const { code, message } = error;
  if (typeof code === 'number') return { code: 'GOSHAWK_BROKER_REFUSED', reason: message };
  if (typeof code === 'string' && TLS_CODE.test(code))
    return { code: 'GOSHAWK_BROKER_REFUSED', reason: `TLS: ${message}` };
  // Errors of several addresses of one name arrive as one error without a message.
  const text = message === '' && typeof code === 'string' ? code : message;
  return { code: 'GOSHAWK_BROKER_UNREACHABLE', reason: text };
}

/** A message that was not delivered: the broker's objection, or `null` if only the link was lost. */
export function troubleOfMessage(
  topic: string,
  { code, message }: { readonly message: string; readonly code?: unknown },
): LinkTrouble | null {
  if (typeof code !== 'number') return null;
  return { code: 'GOSHAWK_BROKER_REFUSED', reason: `it does not accept messages on ${topic}: ${message}` };
}

/** MQTT 5's reason code for a packet above the broker's limit. */
const PACKET_TOO_LARGE = 0x95;

/** The error for a message that the broker will never accept. */
export function tooLarge(bytes: number, maxBytes: number): Error & { readonly code: number } {
  const message = `it has ${String(bytes)} bytes, the broker accepts ${String(maxBytes)}`;
  return Object.assign(new Error(message), { code: PACKET_TOO_LARGE });
}

/** True if the message can never be delivered to this broker. */
export function isTooLarge({ code }: { readonly code?: unknown }): boolean {
  return code === PACKET_TOO_LARGE;
}

/** A DISCONNECT from the broker. @param words its text, empty if it sent none */
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
 * @param isReported by the broker itself
 * @param waitSeconds until the next attempt
 */
export function troubleOfTakeOver(clientId: string, isReported: boolean, waitSeconds: number): LinkTrouble {
  const found = isReported
    ? `client id "${clientId}" is also used elsewhere (the broker reports "session taken over")`
    : 'the broker accepts each connection and soon closes it without a reason, as it does if ' +
      `client id "${clientId}" is also used elsewhere, or if it forbids these topics`;
  const reason =
    `${found}; the next attempt is in ${String(waitSeconds)} s, so that the two do not evict ` +
    'each other forever';
  return { code: 'GOSHAWK_CLIENT_TAKEN_OVER', reason };
}
