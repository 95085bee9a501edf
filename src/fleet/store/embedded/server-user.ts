import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Whom the server runs as. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` and `nogroup` of every distribution. */
const NOBODY: ServerUser = { uid: 65_534, gid: 65_534 };

const EXECUTE_OTHERS = 0o001;
const EXECUTE_GROUP = 0o010;
const EXECUTE_OWNER = 0o100;

/**
 * The user that PostgreSQL runs as, which it refuses to do as root: whoever owns the data already, else whoever called
 * sudo, else nobody.
 * @param data folder of the data, which need not exist
 * @returns null if this process is not root: its own user then
 */
export async function chooseServerUser(
  data: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ServerUser | null> {
  if (process.getuid?.() !== 0) return null;
  const there = await stat(data).catch(() => null);
  if (there !== null && there.uid !== 0) return { uid: there.uid, gid: there.gid };
  const uid = Number(env['SUDO_UID']);
  const gid = Number(env['SUDO_GID']);
  return uid > 0 && gid > 0 ? { uid, gid } : NOBODY;
}

/** The first folder on the way up from a file that the user cannot pass; null if it reaches the file. */
export async function whatBars(user: ServerUser | null, path: string): Promise<string | null> {
  if (user === null) return null;
  for (let place = dirname(resolve(path)); ; place = dirname(place)) {
    const { mode, uid, gid } = await stat(place);
    const bit = uid === user.uid ? EXECUTE_OWNER : gid === user.gid ? EXECUTE_GROUP : EXECUTE_OTHERS;
    if ((mode & bit) === 0) return place;
    if (place === dirname(place)) return null;
  }
}
