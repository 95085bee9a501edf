import { GoshawkError } from '../../contract/errors.ts';

const OPTION = '--database';

/**
 * Refuses what is not the URL of a PostgreSQL, and URLs with a password in them (they end up in logs and process
 * lists): the environment holds it, as for every client of PostgreSQL.
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID
 */
export function checkDatabaseUrl(url: string): void {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw refuse('(not shown)', 'it is not a URL');
  }
  const shown = `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  if (!['postgres:', 'postgresql:'].includes(parsed.protocol))
    throw refuse(shown, 'the scheme is not postgresql');
  if (parsed.password !== '' || parsed.searchParams.has('password'))
    throw refuse(
      shown,
      'a password in the URL; give PGPASSWORD, or PGPASSFILE with the name of a file, in the environment',
    );
  if (!/^\/[^/]+$/.test(parsed.pathname)) throw refuse(shown, 'the name of the database is missing');
}

function refuse(value: string, reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name: OPTION, value, reason });
}
