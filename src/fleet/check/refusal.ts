import type { MessageIdentity } from '../store/fleet-message.ts';
import { readIdentity } from './message-identity.ts';
import type { Received } from './received.ts';
import { Refused, type WrongReason } from './refused.ts';

/** A message that is not stored as what it claims to be. */
export interface RefusedMessage {
  readonly received: Received;
  readonly reason: WrongReason;
  /** what is wrong with it */
  readonly detail: string;
  /** null: it cannot be kept as one of the sender's messages */
  readonly identity: MessageIdentity | null;
}

/** What is wrong with a message. Throws the error if it is not a `Refused`. */
export function refusalOf(received: Received, error: unknown): RefusedMessage {
  if (!(error instanceof Refused)) throw error;
  const { reason, message: detail } = error;
  return { received, reason, detail, identity: readIdentity(received, reason) };
}
