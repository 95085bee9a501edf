import { GoshawkError } from '../../contract/errors.ts';
import { roleSchema, type Role, type TokenInfo } from '../../contract/fleet/access.ts';
import { noteChange, type Author } from './audit.ts';
import { SqlError, type Database } from './database.ts';

/** A token that is looked up. */
export interface KeptToken {
  readonly sha256: Uint8Array;
  readonly name: string;
  readonly role: Role;
  /** null: never */
  readonly expiresAt: Date | null;
  readonly isRevoked: boolean;
}

export interface NewToken {
  readonly id: string;
  readonly sha256: Uint8Array;
  readonly name: string;
  readonly role: Role;
  readonly expiresAt: Date | null;
}

const UNIQUE_VIOLATION = '23505';

interface Row {
  readonly id: string;
  readonly sha256: Buffer;
  readonly name: string;
  readonly role: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
}

const COLUMNS = 'id, sha256, name, role, created_at, expires_at, revoked_at, last_used_at';

/** Adds a token. @throws GoshawkError GOSHAWK_TOKEN_EXISTS; as `Database.query` does */
export async function addToken(database: Database, token: NewToken, author: Author): Promise<void> {
  const { id, sha256, name, role, expiresAt } = token;
  try {
    await database.transaction(async (session) => {
      await session.query({
        text: 'insert into fleet.tokens (id, sha256, name, role, expires_at) values ($1, $2, $3, $4, $5)',
        values: [id, sha256, name, role, expiresAt],
      });
      const after = { id, role, expiresAt };
      await noteChange(session, author, { action: 'token.create', target: name, before: null, after });
    });
  } catch (error) {
    if (!(error instanceof SqlError && error.state === UNIQUE_VIOLATION)) throw error;
    throw new GoshawkError('GOSHAWK_TOKEN_EXISTS', { name });
  }
}

/** Revokes the token of a name. @throws GoshawkError GOSHAWK_TOKEN_UNKNOWN; as `Database.query` does */
export async function revokeToken(database: Database, name: string, author: Author): Promise<void> {
  await database.transaction(async (session) => {
    const [row] = await session.query<Row>({
      text: `update fleet.tokens set revoked_at = now() where name = $1 and revoked_at is null returning ${COLUMNS}`,
      values: [name],
    });
    if (row === undefined) throw new GoshawkError('GOSHAWK_TOKEN_UNKNOWN', { name });
    const before = { id: row.id, role: row.role, expiresAt: row.expires_at };
    await noteChange(session, author, { action: 'token.revoke', target: name, before, after: null });
  });
}

/** All tokens there ever were, the newest first. Throws as `Database.query` does. */
export async function listTokens(database: Database): Promise<readonly TokenInfo[]> {
  const rows = await database.query<Row>(`select ${COLUMNS} from fleet.tokens order by created_at desc, id`);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    role: roleSchema.parse(row.role),
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
  }));
}

/** The token with an id; null if there is none. Throws as `Database.query` does. */
export async function findToken(database: Database, id: string): Promise<KeptToken | null> {
  const [row] = await database.query<Row>({
    name: 'find-token',
    text: `select ${COLUMNS} from fleet.tokens where id = $1`,
    values: [id],
  });
  if (row === undefined) return null;
  const { sha256, name, role, expires_at: expiresAt, revoked_at: revokedAt } = row;
  return { sha256, name, role: roleSchema.parse(role), expiresAt, isRevoked: revokedAt !== null };
}

/** Notes that a token is in use, to about a minute. Throws as `Database.query` does. */
export async function noteTokenUse(database: Database, id: string): Promise<void> {
  await database.query({
    name: 'note-token-use',
    text: `
      update fleet.tokens set last_used_at = now()
      where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    values: [id],
  });
}

/** Whether a token was ever made; from then on the API needs one. Throws as `Database.query` does. */
export async function isAnyTokenMade(database: Database): Promise<boolean> {
  const [row] = await database.query<{ made: boolean }>('select exists (select from fleet.tokens) as made');
  return row?.made === true;
}

/** Whether somebody could use the API now. Throws as `Database.query` does. */
export async function isAnyTokenValid(database: Database): Promise<boolean> {
  const [row] = await database.query<{ valid: boolean }>(`
    select exists (
      select from fleet.tokens where revoked_at is null and (expires_at is null or expires_at > now())
    ) as valid`);
  return row?.valid === true;
}
