import type { AuditAction, AuditEntry, AuditQuery, Audit } from '../../contract/fleet/audit.ts';
import type { Role } from '../../contract/fleet/access.ts';
import type { Database, Session } from './database.ts';

/** Who changes something, and from where. */
export interface Author {
  /** name of a token, or `cli:USER` */
  readonly actor: string;
  /** null for commands */
  readonly role: Role | null;
  /** of the client; `local` for commands */
  readonly address: string;
}

/** What was changed, for the audit. */
export interface Change {
  readonly action: AuditAction;
  readonly target: string;
  readonly before: object | null;
  readonly after: object | null;
}

interface Row extends Omit<AuditEntry, 'at' | 'from'> {
  readonly at: Date;
  readonly address: string;
}

/** Notes a change in the transaction that makes it. Throws as `Database.query` does. */
export async function noteChange(session: Session, author: Author, change: Change): Promise<void> {
  const { action, target, before, after } = change;
  await session.query({
    text:
      'insert into fleet.audit (actor, role, address, action, target, before, after) ' +
      'values ($1, $2, $3, $4, $5, $6, $7)',
    values: [author.actor, author.role, author.address, action, target, jsonOf(before), jsonOf(after)],
  });
}

/** Entries of the audit, the newest first. Throws as `Database.query` does. */
export async function readAudit(database: Database, { limit, before, search }: AuditQuery): Promise<Audit> {
  const rows = await database.query<Row>({
    text: `
      select id, at, actor, role, address, action, target, before, after from fleet.audit
      where ($1::bigint is null or id < $1)
        and ($2::text = '' or strpos(lower(actor || ' ' || action || ' ' || target), $2) > 0)
      order by id desc limit $3`,
    values: [before ?? null, search.toLowerCase(), limit],
  });
  const entries = rows.map(({ at, address, ...row }) => ({ ...row, at: at.toISOString(), from: address }));
  return { schema: 'goshawk.fleet-audit/1', entries };
}

const jsonOf = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));
