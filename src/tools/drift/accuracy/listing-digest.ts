import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describeError, GoshawkError } from '../../../contract/errors.ts';
import { sha256Of } from '../../../platform/digest.ts';

/** Files are looked at so many at a time. */
const AT_ONCE = 64;

/**
 * sha256 of names and sizes of files: other pictures have another one.
 * @param files relative to the folder; absent for all that are in it and in folders of it
 * @throws GoshawkError GOSHAWK_FILE_UNREADABLE
 */
export async function listingDigest(folder: string, files?: readonly string[]): Promise<string> {
  const names = files ?? (await allIn(folder));
  const lines: string[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE)
    lines.push(...(await Promise.all(names.slice(at, at + AT_ONCE).map((name) => lineOf(folder, name)))));
  return sha256Of(lines.sort().join('\n'));
}

async function lineOf(folder: string, name: string): Promise<string> {
  const file = join(folder, name);
  const { size } = await stat(file).catch((error: unknown) => unreadable(file, error));
  return `${name} ${String(size)}`;
}

async function allIn(folder: string): Promise<string[]> {
  const options = { withFileTypes: true, recursive: true } as const;
  const entries = await readdir(folder, options).catch((error: unknown) => unreadable(folder, error));
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
}

function unreadable(file: string, cause: unknown): never {
  throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason: describeError(cause) }, { cause });
}
