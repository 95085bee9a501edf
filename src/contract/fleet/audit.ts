import { z } from 'zod';
import { roleSchema } from './access.ts';
import { lineSchema } from './text.ts';

/** What can be changed, or taken away. Readers accept actions that they do not know. */
export const AUDIT_ACTIONS = [
  'token.create',
  'token.revoke',
  'robot.settings',
  'robot.delete',
  'clip.fetch',
  'clip.download',
  'quarantine.replay',
  'quarantine.drop',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** One change, or a clip that left: who, when, what, from where, before and after. */
export const auditEntrySchema = z.strictObject({
  id: z.int().min(1),
  /** clock of the database */
  at: z.iso.datetime(),
  /** name of the token; `cli:USER` for a command on the fleet's machine */
  actor: z.string(),
  /** null for commands */
  role: roleSchema.nullable(),
  /** address of the client; `local` for commands */
  from: z.string(),
  action: z.string(),
  /** what was changed: `SITE/ROBOT`, the name of a token, or which messages */
  target: z.string(),
  /** null: there was none */
  before: z.record(z.string(), z.unknown()).nullable(),
  after: z.record(z.string(), z.unknown()).nullable(),
});

/** What `GET /api/v1/audit` answers and `goshawk fleet audit --json` prints: the newest first. */
export const auditSchema = z.strictObject({
  schema: z.literal('goshawk.fleet-audit/1'),
  entries: z.array(auditEntrySchema),
});

/** Which entries. */
export const auditQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  /** only entries with smaller ids: the next page */
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  /** part of the actor, the action or the target */
  search: lineSchema.max(100).default(''),
});

export type AuditEntry = z.infer<typeof auditEntrySchema>;
export type AuditQuery = z.infer<typeof auditQuerySchema>;
export type Audit = z.infer<typeof auditSchema>;
