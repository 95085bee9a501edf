import { Database, SqlError, type DatabaseAddress } from './database.ts';
import { checkDurability } from './durability.ts';
import { readConnection, type EmbeddedConnection } from './embedded/connection-file.ts';
import { migrate } from './migrate.ts';
import { ensurePartitions } from './partitions.ts';

const EMBEDDED_DATABASE = 'goshawk';
const DUPLICATE_DATABASE = '42P04';
const STATEMENT_LIMIT_MS = 60_000;
/** Migrations may rewrite tables. */
const MIGRATION_LIMIT_MS = 3_600_000;

/** The database of an embedded server, which is made if it is missing. Throws as `Database.query` does. */
export async function embeddedDatabase(connection: EmbeddedConnection): Promise<DatabaseAddress> {
  const maintenance = new Database(
    { ...connection, database: 'postgres' },
    { connections: 1, statementLimitMs: STATEMENT_LIMIT_MS },
  );
  try {
    await maintenance.query(`create database ${EMBEDDED_DATABASE}`);
  } catch (error) {
    if (!(error instanceof SqlError && error.state === DUPLICATE_DATABASE)) throw error;
  } finally {
    await maintenance.close();
  }
  return { ...connection, database: EMBEDDED_DATABASE };
}

/** How the database of a folder is reached while its server runs; null if there is none. */
export async function embeddedAddress(folder: string): Promise<DatabaseAddress | null> {
  const connection = await readConnection(folder);
  return connection === null ? null : { ...connection, database: EMBEDDED_DATABASE };
}

/** A database as it is. */
export function connectDatabase(
  address: DatabaseAddress,
  connections: number,
  statementLimitMs = STATEMENT_LIMIT_MS,
): Database {
  return new Database(address, { connections, statementLimitMs });
}

/**
 * A database that is durable, has the schema of this version, and partitions for the days to come.
 * @param nowMs wall clock
 * @throws GoshawkError GOSHAWK_DATABASE_NOT_DURABLE, GOSHAWK_DATABASE_SCHEMA; as `Database.query` does
 */
export async function openStore(
  address: DatabaseAddress,
  connections: number,
  nowMs: number,
  say: (line: string) => void,
): Promise<Database> {
  const migrator = new Database(address, { connections: 1, statementLimitMs: MIGRATION_LIMIT_MS });
  try {
    await checkDurability(migrator);
    for (const name of await migrate(migrator)) say(`database ${migrator.name}: applied ${name}`);
    await ensurePartitions(migrator, nowMs);
  } finally {
    await migrator.close();
  }
  return connectDatabase(address, connections);
}
