import type { Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import { checkDatabaseUrl } from '../fleet/store/database-url.ts';
import type { Database, DatabaseAddress } from '../fleet/store/database.ts';
import { EmbeddedPostgres } from '../fleet/store/embedded/embedded-postgres.ts';
import { connectDatabase, embeddedAddress, embeddedDatabase, openStore } from '../fleet/store/open-store.ts';

/** One for a transaction, one for what has to be committed before it. */
const CONNECTIONS = 2;

/** Which database a command works on. */
export interface DatabaseFlags {
  readonly database?: string;
  readonly folder: string;
}

/** Adds the options that select the fleet's database. */
export function addDatabaseOptions(command: Command, defaultFolder: string): Command {
  return command
    .option('--database <url>', 'a PostgreSQL of your own; without it the embedded one, while it runs')
    .option('--folder <dir>', 'of the embedded PostgreSQL', defaultFolder);
}

/** Work on the fleet's database. @throws GoshawkError GOSHAWK_POSTGRES_FOLDER; as `Database.query` does */
export async function withDatabase<T>(
  flags: DatabaseFlags,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = connectDatabase(await addressOf(flags), CONNECTIONS);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/**
 * The same, also while no fleet runs: an embedded database is then started for it, and made if there is none; the
 * schema is brought to this version.
 * @throws GoshawkError as `EmbeddedPostgres.start`, `openStore` and `work` do
 */
export async function withReadyDatabase<T>(
  flags: DatabaseFlags,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const server = flags.database === undefined ? await startUnlessRunning(flags.folder) : null;
  try {
    const address = server === null ? await addressOf(flags) : await embeddedDatabase(server.connection);
    const database = await openStore(address, CONNECTIONS, Date.now(), () => undefined);
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  } finally {
    await server?.stop();
  }
}

/** Null if a fleet that runs has it already. */
async function startUnlessRunning(folder: string): Promise<EmbeddedPostgres | null> {
  try {
    return await EmbeddedPostgres.start({ folder, say: () => undefined });
  } catch (error) {
    if (error instanceof GoshawkError && error.code === 'GOSHAWK_POSTGRES_IN_USE') return null;
    throw error;
  }
}

async function addressOf({ database, folder }: DatabaseFlags): Promise<DatabaseAddress> {
  if (database !== undefined) {
    checkDatabaseUrl(database);
    return { url: database };
  }
  const address = await embeddedAddress(folder);
  if (address !== null) return address;
  throw new GoshawkError('GOSHAWK_POSTGRES_FOLDER', { folder, reason: 'there is no database in it' });
}
