import { rm } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  ROLES,
  tokenListSchema,
  tokenNameSchema,
  type Role,
  type TokenInfo,
} from '../contract/fleet/access.ts';
import { makeToken } from '../fleet/access/token.ts';
import { addToken, listTokens, revokeToken } from '../fleet/store/tokens.ts';
import { writeSecret } from '../platform/secret-file.ts';
import { checkOutputFiles } from '../platform/outputs.ts';
import { addDatabaseOptions, withReadyDatabase, type DatabaseFlags } from './fleet-database.ts';
import { printJson } from './kit/report.ts';
import { ownAuthor } from './own-author.ts';

interface CreateFlags extends DatabaseFlags {
  readonly name: string;
  readonly role: Role;
  /** null: never */
  readonly expires: Date | null;
  readonly out?: string;
}

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000 };
const DEFAULT_EXPIRY = '90d';

/** `12h`, `90d`, a time in ISO 8601, or `never`. */
function parseExpiry(text: string): Date | null {
  if (text === 'never') return null;
  const [, count = '', unit = ''] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const at = unit === '' ? Date.parse(text) : Date.now() + Number(count) * (UNITS_MS[unit] ?? 0);
  if (Number.isFinite(at) && at > Date.now()) return new Date(at);
  throw new InvalidArgumentError('It must be like 12h, 90d, 2027-01-31T12:00Z, or never, and in the future.');
}

function parseName(text: string): string {
  const name = tokenNameSchema.safeParse(text);
  if (name.success) return name.data;
  throw new InvalidArgumentError(`It must be 1 to 64 of A-Z a-z 0-9 _ . @ -.`);
}

async function create(flags: CreateFlags): Promise<void> {
  const { name, role, expires, out } = flags;
  await checkOutputFiles(out);
  const { text, key } = makeToken();
  // before the token is made: one that cannot be kept is of no use
  if (out !== undefined) await writeSecret(out, `${text}\n`);
  try {
    await withReadyDatabase(flags, (database) =>
      addToken(database, { ...key, name, role, expiresAt: expires }, ownAuthor()),
    );
  } catch (error) {
    if (out !== undefined) await rm(out, { force: true });
    throw error;
  }
  const until = expires === null ? 'never expires' : `expires ${expires.toISOString()}`;
  const where = out === undefined ? 'this is the only time that it is shown' : `it is in ${out}`;
  console.error(`token ${name} (${role}) ${until}; ${where}`);
  if (out === undefined) console.log(text);
}

function describe({ name, role, expiresAt, revokedAt, lastUsedAt }: TokenInfo): string {
  const isOver = expiresAt !== null && Date.parse(expiresAt) <= Date.now();
  const end = expiresAt === null ? 'never expires' : `${isOver ? 'expired' : 'expires'} ${expiresAt}`;
  const state = revokedAt === null ? end : `revoked ${revokedAt}`;
  return `${name.padEnd(24)} ${role.padEnd(16)} ${state}, last used ${lastUsedAt ?? 'never'}`;
}

async function list(flags: DatabaseFlags & { readonly json?: true }): Promise<void> {
  const tokens = await withReadyDatabase(flags, listTokens);
  if (flags.json === true) printJson(tokenListSchema.parse({ schema: 'goshawk.fleet-tokens/1', tokens }));
  else console.log(tokens.length === 0 ? 'no token was ever made' : tokens.map(describe).join('\n'));
}

/** Adds `goshawk fleet token`. */
export function registerFleetToken(fleet: Command, defaultFolder: string): void {
  const token = fleet.command('token').description('who may use the API and the page of the fleet');
  const add = (name: string, description: string): Command =>
    addDatabaseOptions(token.command(name).description(description), defaultFolder);
  add('create', 'make a token and print it, once')
    .requiredOption('--name <name>', 'whose it is, for lists and the audit', parseName)
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option(
      '--expires <when>',
      'like 12h, 90d, 2027-01-31T12:00Z, or never',
      parseExpiry,
      parseExpiry(DEFAULT_EXPIRY),
    )
    .option('--out <file>', 'write it to a new file that only you can read, instead of printing it')
    .action(create);
  add('list', 'tokens, without their secrets').option('--json', 'print it for programs').action(list);
  add('revoke <name>', 'end a token now').action(async (name: string, flags: DatabaseFlags) => {
    await withReadyDatabase(flags, (database) => revokeToken(database, name, ownAuthor()));
    console.error(`token ${name} is revoked`);
  });
}
