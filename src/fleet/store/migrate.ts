import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import { inTransaction, type Database, type Session } from './database.ts';

/**
 * One file after the other, none of which changes once a database ran it, not even in a comment: its digest is
 * compared. So a function that changes, such as `fleet.store_messages`, is there again, whole, in a later file, which
 * says what is different ("As in 008, but").
 */
const FOLDER = join(import.meta.dirname, 'migrations');

/** Of the advisory lock under which the schema changes: `gosh` in ASCII. */
const LOCK = 0x676f7368;

/**
 * Digests of files as they were before they were changed. Databases that ran those are brought to the same schema by
 * later files.
 */
const FORMER: Readonly<Record<string, readonly string[]>> = {
  '008-ingest.sql': ['bc657deaa1af90c25a15f798f8dc2575cf78588c457ea91881a8148f75318a59'],
  '010-drift.sql': ['df816499bce537af1da48f79d8bcf94a8b5e2610ebddca280bc3b6d4f049861b'],
};

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => /^\d{3}-[a-z0-9-]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(FOLDER, name), 'utf8');
      const sha256 = createHash('sha256').update(sql).digest('hex');
      return { version: Number(name.slice(0, 3)), name, sql, sha256 };
    }),
  );
}

/**
 * Brings the schema to what this version expects: one file after the other, each in a transaction, under a lock that
 * lets one process do so at a time.
 * @returns the names of the files that were run now
 * @throws GoshawkError GOSHAWK_DATABASE_SCHEMA; as `Database.query` does
 */
export async function migrate(database: Database): Promise<readonly string[]> {
  const known = await readMigrations();
  return database.session(async (session) => {
    await session.query({ text: 'select pg_advisory_lock($1)', values: [LOCK] });
    try {
      return await run(database.name, session, known);
    } finally {
      await session.query({ text: 'select pg_advisory_unlock($1)', values: [LOCK] }).catch(() => undefined);
    }
  });
}

async function run(database: string, session: Session, known: readonly Migration[]): Promise<string[]> {
  await session.query('create schema if not exists fleet');
  await session.query(
    'create table if not exists fleet.migrations (version integer primary key, name text not null, ' +
      'sha256 text not null, applied_at timestamptz not null default now())',
  );
  const applied = await session.query<{ version: number; name: string; sha256: string }>(
    'select version, name, sha256 from fleet.migrations order by version',
  );
  for (const { version, name, sha256 } of applied) {
    const mine = known.find((one) => one.version === version);
    const reason =
      mine === undefined
        ? `it has ${name}, which this version does not know`
        : mine.sha256 === sha256 || FORMER[name]?.includes(sha256) === true
          ? null
          : `${name} is not what it was when it was applied`;
    if (reason !== null) throw new GoshawkError('GOSHAWK_DATABASE_SCHEMA', { database, reason });
  }
  const missing = known.filter(({ version }) => !applied.some((one) => one.version === version));
  for (const { version, name, sql, sha256 } of missing)
    await inTransaction(session, async () => {
      await session.query(sql);
      const text = 'insert into fleet.migrations (version, name, sha256) values ($1, $2, $3)';
      await session.query({ text, values: [version, name, sha256] });
    });
  return missing.map(({ name }) => name);
}
