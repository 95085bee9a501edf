import type { Database } from '../../../src/fleet/store/database.ts';
import type { EmbeddedConnection } from '../../../src/fleet/store/embedded/connection-file.ts';
import { EmbeddedPostgres } from '../../../src/fleet/store/embedded/embedded-postgres.ts';
import { embeddedDatabase, openStore } from '../../../src/fleet/store/open-store.ts';

/** A PostgreSQL of its own in `home`, with the schema. */
export interface FleetStore {
  readonly database: Database;
  readonly connection: EmbeddedConnection;
  close(): Promise<void>;
}

export async function startFleetStore(home: string): Promise<FleetStore> {
  const postgres = await EmbeddedPostgres.start({ folder: home, say: () => undefined });
  const address = await embeddedDatabase(postgres.connection);
  const database = await openStore(address, 6, Date.now(), () => undefined);
  return {
    database,
    connection: postgres.connection,
    close: async () => {
      await database.close();
      await postgres.stop();
    },
  };
}
