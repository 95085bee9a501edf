import type { Database } from './database.ts';

/** Bytes of all tables and indexes, and of everything that was ever written to the write-ahead log. */
export async function readSizes(
  database: Database,
): Promise<{ readonly bytes: number; readonly walBytes: number }> {
  const [sizes] = await database.query<{ bytes: number; wal: number }>(`
    select pg_database_size(current_database()) as bytes,
      pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8 as wal`);
  return { bytes: sizes?.bytes ?? 0, walBytes: sizes?.wal ?? 0 };
}
