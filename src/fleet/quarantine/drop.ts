import type { QuarantineChange } from '../../contract/fleet-quarantine.ts';
import { noteChange, type Author } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import { changeOf, takeOut, inDryTransaction } from './change.ts';
import { IS_SELECTED, filterText, parametersOf, type QuarantineFilter } from './select.ts';

/**
 * Deletes messages from quarantine, in one transaction, with a line in the audit; the numbers of those that were whole
 * are declared lost.
 * Throws as `Database.query` does.
 */
export function dropQuarantined(
  database: Database,
  filter: QuarantineFilter,
  isDryRun: boolean,
  author: Author,
): Promise<QuarantineChange> {
  return inDryTransaction(database, isDryRun, async (session) => {
    const rows = await session.query<{ readonly id: number }>({
      text: `select q.id from fleet.quarantine q where ${IS_SELECTED} order by q.id for update`,
      values: parametersOf(filter),
    });
    const ids = rows.map(({ id }) => id);
    await takeOut(session, ids, 'dropped');
    if (ids.length > 0)
      await noteChange(session, author, {
        action: 'quarantine.drop',
        target: filterText(filter),
        before: { messages: ids.length },
        after: null,
      });
    return changeOf(isDryRun, { dropped: ids.length });
  });
}
