import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GoshawkError } from '../../../contract/errors.ts';
import { writeFileWhole } from '../../../platform/atomic-file.ts';
import { describeEnd, lastLines, runChild } from '../../../platform/child-process.ts';
import type { PostgresBinaries } from './binaries.ts';
import type { ServerUser } from './server-user.ts';

/** Of the packages that Goshawk names; another major version cannot read the files. */
const MAJOR_VERSION = '18';
const PASSWORD_BYTES = 24;
const OWNER_ONLY = 0o600;

/** Name of the only role: it owns the database and everything in it. */
export const EMBEDDED_USER = 'goshawk';

/** Where things are in the folder of an embedded database. */
export function placesIn(folder: string): { data: string; password: string; libraries: string; log: string } {
  return {
    data: join(folder, 'data'),
    password: join(folder, 'password'),
    libraries: join(folder, 'lib'),
    log: join(folder, 'server.log'),
  };
}

export interface ClusterOptions {
  readonly folder: string;
  readonly binaries: PostgresBinaries;
  readonly user: ServerUser | null;
  readonly signal: AbortSignal | undefined;
}

/** Whether there are data already, of this version. @throws GoshawkError GOSHAWK_POSTGRES_FOLDER */
async function isMade(folder: string): Promise<boolean> {
  const { data, password } = placesIn(folder);
  const refuse = (reason: string): GoshawkError =>
    new GoshawkError('GOSHAWK_POSTGRES_FOLDER', { folder, reason });
  if ((await stat(data).catch(() => null)) === null) return false;
  const version = (await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (version === '') throw refuse(`${data} is there and is not a folder of PostgreSQL`);
  if (version !== MAJOR_VERSION)
    throw refuse(`${data} was made by PostgreSQL ${version}; this is ${MAJOR_VERSION}`);
  if ((await stat(password).catch(() => null)) === null)
    throw refuse(`${password}, which holds the password of the data, is missing`);
  return true;
}

/**
 * Makes the data folder if there is none: in another place first, so that an interruption leaves nothing half done.
 * @returns whether it was made now
 * @throws GoshawkError GOSHAWK_POSTGRES_FOLDER, GOSHAWK_POSTGRES_FAILED
 */
export async function ensureCluster({ folder, binaries, user, signal }: ClusterOptions): Promise<boolean> {
  if (await isMade(folder)) return false;
  const { data, password } = placesIn(folder);
  const making = `${data}.new`;
  const handed = `${password}.initdb`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { mode: 0o700 });
  const secret = randomBytes(PASSWORD_BYTES).toString('base64url');
  // written before the data are there: data without their password would be of no use
  await writeFileWhole(password, secret);
  await chmod(password, OWNER_ONLY);
  await writeFile(handed, secret, { mode: OWNER_ONLY });
  if (user !== null) for (const path of [making, handed]) await chown(path, user.uid, user.gid);
  try {
    const result = await runChild({
      command: binaries.initdb,
      args: [
        ...['--pgdata', making, '--username', EMBEDDED_USER, '--pwfile', handed, '--auth=scram-sha-256'],
        ...['--encoding=UTF8', '--locale=C', '--data-checksums'],
      ],
      env: binaries.env,
      cwd: folder,
      ...(user === null ? {} : { user }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (result.code !== 0) {
      const output = lastLines(result.output);
      const reason = `could not be made: initdb ${describeEnd(result)}`;
      throw new GoshawkError('GOSHAWK_POSTGRES_FAILED', { folder, reason, output });
    }
    await rename(making, data);
    return true;
  } finally {
    await rm(handed, { force: true });
  }
}
