import type { Database } from './database.ts';
import { sumOf } from './multirange.ts';

/** The ledger of all robots in two numbers. */
export interface LedgerSummary {
  /** numbers of messages that are stored */
  readonly stored: number;
  /**
   * below the highest known number, and neither stored, nor in quarantine, nor declared lost: on their way, or lost in
   * silence
   */
  readonly holes: number;
}

/** The sizes of what is stored and of what is missing. Throws as `Database.query` does. */
export async function summarizeLedger(database: Database): Promise<LedgerSummary> {
  const [row] = await database.query<LedgerSummary>(
    `select ${sumOf('stored')} as stored, ${sumOf('holes')} as holes from fleet.ledger_sums`,
  );
  return row ?? { stored: 0, holes: 0 };
}
