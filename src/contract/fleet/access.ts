import { z } from 'zod';

/**
 * Who may do what, each role including those before it.
 * - `viewer` reads what the fleet knows
 * - `operator` also changes what is kept of robots, and reads the audit
 * - `release-manager` is for rollouts; until there are any, it may do what an operator may
 */
export const ROLES = ['viewer', 'operator', 'release-manager'] as const;

export const roleSchema = z.enum(ROLES);
export type Role = z.infer<typeof roleSchema>;

/** Whether a role includes another. */
export function includesRole(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Of a token, for people: it is in lists and in the audit. */
export const tokenNameSchema = z
  .string()
  .regex(/^[\w.@-]{1,64}$/, 'it must be 1 to 64 of A-Z a-z 0-9 _ . @ -');

/** What lists show of a token: never the secret. */
export const tokenSchema = z.strictObject({
  id: z.string(),
  name: tokenNameSchema,
  role: roleSchema,
  createdAt: z.iso.datetime(),
  /** null: never */
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
  /** to about a minute */
  lastUsedAt: z.iso.datetime().nullable(),
});
export type TokenInfo = z.infer<typeof tokenSchema>;

/** What `goshawk fleet token list --json` prints. */
export const tokenListSchema = z.strictObject({
  schema: z.literal('goshawk.fleet-tokens/1'),
  tokens: z.array(tokenSchema),
});

/** `GET`, and the answer to `POST /api/v1/session`: who asks. */
export const sessionSchema = z.strictObject({
  /** null: nobody is logged in, and nobody has to */
  name: tokenNameSchema.nullable(),
  role: roleSchema,
});
export type SessionInfo = z.infer<typeof sessionSchema>;

export const loginSchema = z.strictObject({ token: z.string().max(200) });

/** The cookie of the page: not readable for scripts, and not sent by pages of other sites. */
export const TOKEN_COOKIE = 'goshawk_fleet_token';
