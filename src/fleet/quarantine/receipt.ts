import type { Session } from '../store/database.ts';
import type { FleetMessage } from '../store/fleet-message.ts';
import { dayOf } from '../store/partitions.ts';

/** When a row of the ledger last had something of its robot. */
export interface LastReceipt {
  readonly ledger: number;
  /** null: never */
  readonly at: string | null;
}

/**
 * A message as it is to be stored. Rollups are made anew from all messages of their day of receipt, so nothing may be
 * added to a day whose messages were dropped: such a message counts as received now.
 * @param since from which day of receipt on messages are kept; null: none were dropped
 */
export function placed(message: FleetMessage, since: string | null, nowMs: number): FleetMessage {
  const isGone = since !== null && dayOf(message.receivedMs) < since;
  return isGone ? { ...message, receivedMs: nowMs } : message;
}

/** Of the rows of messages in quarantine. Throws as `Session.query` does. @param ids of the messages */
export function lastReceipts(session: Session, ids: readonly number[]): Promise<readonly LastReceipt[]> {
  return session.query<LastReceipt>({
    text: `
      select l.id as ledger, l.last_received::text as at from fleet.ledger l
      where l.id in (select q.ledger from fleet.quarantine q where q.id = any ($1))`,
    values: [ids],
  });
}

/**
 * Nothing came of a robot whose messages are replayed: takes back what storing them as received now has said.
 * Part of the transaction that stores them. Throws as `Session.query` does.
 */
export async function restoreReceipts(
  session: Session,
  before: readonly LastReceipt[],
  nowMs: number,
): Promise<void> {
  await session.query({
    text: `
      update fleet.ledger l set last_received = b.at
      from unnest($1::int8[], $2::timestamptz[]) as b (ledger, at)
      where l.id = b.ledger and l.last_received = to_timestamp($3::float8 / 1000)`,
    values: [before.map(({ ledger }) => ledger), before.map(({ at }) => at), nowMs],
  });
}
