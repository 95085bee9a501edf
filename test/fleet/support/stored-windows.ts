import type { Database } from '../../../src/fleet/store/database.ts';

/** All windows of a robot as they are stored, with their detector and the day of receipt, in the order of numbers. */
export function storedWindows<Window>(
  database: Database,
  robot: string,
): Promise<readonly { readonly sender: number; readonly day: string; readonly window: Window }[]> {
  return database.query<{ readonly sender: number; readonly day: string; readonly window: Window }>({
    text: `
      select l.sender, to_char(m.received_at at time zone 'UTC', 'YYYY-MM-DD') as day, m.payload as window
      from fleet.messages m join fleet.ledger l on l.id = m.ledger join fleet.senders s on s.id = l.sender
      where s.robot = $1 order by m.ledger, m.last_id`,
    values: [robot],
  });
}
