import type { Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import { describeLedger } from '../fleet/store/describe-ledger.ts';
import { readLedger } from '../fleet/store/read-ledger.ts';
import { addDatabaseOptions, withDatabase, type DatabaseFlags } from './fleet-database.ts';
import { printJson } from './kit/report.ts';

interface LedgerFlags extends DatabaseFlags {
  readonly json?: true;
}

/** Adds `goshawk fleet ledger`. */
export function registerFleetLedger(fleet: Command, defaultFolder: string): void {
  const command = fleet
    .command('ledger [robot]')
    .description(
      'what is stored of a robot, what it declared lost, and what is missing; exit code 1 for holes',
    );
  addDatabaseOptions(command, defaultFolder)
    .option('--json', 'print it for programs')
    .action(async (robot: string | undefined, flags: LedgerFlags) => {
      const ledger = await withDatabase(flags, (database) =>
        readLedger(database, { robot: robot ?? null }, new Date()),
      );
      if (robot !== undefined && ledger.entries.length === 0)
        throw new GoshawkError('GOSHAWK_ROBOT_UNKNOWN', { robot });
      if (flags.json === true) printJson(ledger);
      else console.log(describeLedger(ledger));
      if (ledger.undeclaredHoles > 0) process.exitCode = 1;
    });
}
