import type { Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import type { FleetLedger } from '../contract/fleet-ledger.ts';
import { describeLedger } from '../fleet/store/describe-ledger.ts';
import { checkDatabaseUrl } from '../fleet/store/database-url.ts';
import type { DatabaseAddress } from '../fleet/store/database.ts';
import { connectDatabase, embeddedAddress } from '../fleet/store/open-store.ts';
import { readLedger } from '../fleet/store/read-ledger.ts';
import { printJson } from './kit/report.ts';

interface LedgerFlags {
  readonly database?: string;
  readonly folder: string;
  readonly json?: true;
}

async function addressOf({ database, folder }: LedgerFlags): Promise<DatabaseAddress> {
  if (database !== undefined) {
    checkDatabaseUrl(database);
    return { url: database };
  }
  const address = await embeddedAddress(folder);
  if (address !== null) return address;
  throw new GoshawkError('GOSHAWK_POSTGRES_FOLDER', { folder, reason: 'there is no database in it' });
}

async function ledgerOf(robot: string | undefined, flags: LedgerFlags): Promise<FleetLedger> {
  const store = connectDatabase(await addressOf(flags), 1);
  try {
    return await readLedger(store, { robot: robot ?? null }, new Date());
  } finally {
    await store.close();
  }
}

/** Adds `goshawk fleet ledger`. */
export function registerFleetLedger(fleet: Command, defaultFolder: string): void {
  fleet
    .command('ledger [robot]')
    .description(
      'what is stored of a robot, what it declared lost, and what is missing; exit code 1 for holes',
    )
    .option('--database <url>', 'a PostgreSQL of your own; without it the embedded one, while it runs')
    .option('--folder <dir>', 'of the embedded PostgreSQL', defaultFolder)
    .option('--json', 'print it for programs')
    .action(async (robot: string | undefined, flags: LedgerFlags) => {
      const ledger = await ledgerOf(robot, flags);
      if (robot !== undefined && ledger.entries.length === 0)
        throw new GoshawkError('GOSHAWK_ROBOT_UNKNOWN', { robot });
      if (flags.json === true) printJson(ledger);
      else console.log(describeLedger(ledger));
      if (ledger.undeclaredHoles > 0) process.exitCode = 1;
    });
}
