import type { QuarantineChange } from '../../contract/fleet-quarantine.ts';
import type { Database, Session } from '../store/database.ts';
import { recountLatest } from '../store/latest-rows.ts';

/** Work in one transaction, which is rolled back in a dry run. Throws as `Database.transaction` does. */
export async function inDryTransaction<T>(
  database: Database,
  isDryRun: boolean,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  let result: { readonly value: T } | null = null;
  try {
    return await database.transaction(async (session) => {
      const value = await work(session);
      if (!isDryRun) return value;
      result = { value };
      throw new TakenBack();
    });
  } catch (error) {
    if (error instanceof TakenBack && result !== null) return (result as { readonly value: T }).value;
    throw error;
  }
}

class TakenBack extends Error {}

/**
 * Deletes messages from quarantine, and their numbers from the ledger's: what became of them is `stored`, which the
 * ledger has then, or `dropped`, which is declared lost. The board follows.
 * Part of a transaction. Throws as `Session.query` does.
 */
export async function takeOut(
  session: Session,
  ids: readonly number[],
  what: 'stored' | 'dropped',
): Promise<void> {
  if (ids.length === 0) return;
  const rows = await session.query<{ readonly ledger: number; readonly sender: number }>({
    text: `
      select l.id as ledger, l.sender from fleet.ledger l
      where l.id in (select q.ledger from fleet.quarantine q where q.id = any ($1)) order by l.id for update`,
    values: [ids],
  });
  await session.query({ text: 'delete from fleet.quarantine where id = any ($1)', values: [ids] });
  // a statement after the lock: it sees what an ingestor has put there before
  await session.query({
    text: `
      update fleet.ledger l set
        quarantined = k.numbers,
        declared = case when $2 then l.declared + (l.quarantined - k.numbers - l.stored) else l.declared end
      from (
        select w.ledger, coalesce(
          (select range_agg(int8range(q.first_id, q.last_id, '[]')) from fleet.quarantine q where q.ledger = w.ledger),
          '{}') as numbers
        from unnest($1::int8[]) as w (ledger)
      ) k
      where l.id = k.ledger`,
    values: [rows.map(({ ledger }) => ledger), what === 'dropped'],
  });
  await recountLatest(
    session,
    rows.map(({ sender }) => sender),
  );
}

export function changeOf(isDryRun: boolean, change: Partial<QuarantineChange>): QuarantineChange {
  return {
    schema: 'goshawk.fleet-quarantine-change/1',
    isDryRun,
    stored: 0,
    dropped: 0,
    refused: {},
    ...change,
  };
}
