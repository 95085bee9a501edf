import type { StreamPayload } from '../../contract/telemetry/payloads.ts';

type Connection = StreamPayload<'connection'>;

/**
 * Whether a message of a connection replaces another of the same detector. Several brokers retain messages of it, and
 * one may notice late that a connection broke, so what comes last need not be the newest.
 *
 * Within a boot, connections are numbered, and a will ends the connection that it is of. Boots are ordered by
 * `bootCount`, which begins again with a new disk: a message that was just published is believed then if its time is
 * later.
 * @param isRetained whether the broker kept it, so that it may be of any age
 */
export function isNewer(message: Connection, known: Connection, isRetained: boolean): boolean {
  if (message.bootId === known.bootId) return isNewerInBoot(message, known);
  const isJustSaid = !isRetained && !isWill(message);
  const isLater = Date.parse(message.timestamp) > Date.parse(known.timestamp);
  const { bootCount } = message;
  if (bootCount === undefined || known.bootCount === undefined || bootCount === known.bootCount)
    return isJustSaid || isLater;
  return bootCount > known.bootCount || (isJustSaid && isLater);
}

function isNewerInBoot(message: Connection, known: Connection): boolean {
  // before 1.2.0 a will did not say which connection it ends
  if (isWill(message) && message.birthHeaderId === undefined) return true;
  const [connection, knownConnection] = [connectionOf(message), connectionOf(known)];
  if (connection !== knownConnection) return connection > knownConnection;
  if (isWill(message) || isWill(known)) return isWill(message);
  return message.headerId >= known.headerId;
}

function isWill({ connectionState }: Connection): boolean {
  return connectionState === 'CONNECTION_BROKEN';
}

function connectionOf({ birthHeaderId, headerId }: Connection): number {
  return birthHeaderId ?? headerId;
}
