import { GoshawkError } from '../../contract/errors.ts';
import { isLoopbackAddress } from '../../platform/http/allowed-hosts.ts';
import type { AccessMode } from '../access/access.ts';
import type { Database } from '../store/database.ts';
import { isAnyTokenMade, isAnyTokenValid } from '../store/tokens.ts';

export interface ExposureOptions {
  /** address to listen on */
  readonly host: string;
  /** the operator wants no tokens */
  readonly isInsecure: boolean;
  readonly say: (line: string) => void;
}

/** For /healthz and the log. */
export const MODE_WORDS: Readonly<Record<AccessMode, string>> = {
  tokens: 'tokens are required',
  local: 'no token yet: everybody on this machine reads, nobody changes anything',
  insecure: 'no tokens required (--insecure-no-auth): everybody who reaches this address reads',
};

const NO_VALID_TOKEN =
  'warning: every token has expired or was revoked, so nobody can use the API or the page: ' +
  'make a token with "goshawk fleet token create"';

/**
 * How open the API is: an address that other machines reach is only used once a token was made, unless the operator
 * says so. Tokens that have expired since do not keep the fleet from starting: nobody is let in, but it ingests.
 * @throws GoshawkError GOSHAWK_TOKENS_REQUIRED; as `Database.query` does
 */
export async function chooseAccessMode(
  database: Database,
  { host, isInsecure, say }: ExposureOptions,
): Promise<AccessMode> {
  const mode = isInsecure ? 'insecure' : isLoopbackAddress(host) ? 'local' : 'tokens';
  const hasTokens = mode !== 'insecure' && (await isAnyTokenMade(database));
  if (mode === 'tokens' && !hasTokens) throw new GoshawkError('GOSHAWK_TOKENS_REQUIRED', { address: host });
  say(`access: ${MODE_WORDS[hasTokens ? 'tokens' : mode]}`);
  if (hasTokens && !(await isAnyTokenValid(database))) say(NO_VALID_TOKEN);
  return mode;
}
