import type { Stats } from 'node:fs';
import { access, constants, lstat, mkdtemp, open, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GoshawkError } from '../contract/errors.ts';
import { writeFileWhole } from './atomic-file.ts';

const NO_ROOM: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Whether the system says that there is no room left. */
export function isNoRoom(error: unknown): boolean {
  return NO_ROOM.has(codeOf(error));
}

/** Turns the reason why something could not be written into a coded error. */
export function outputError(path: string, error: unknown): GoshawkError {
  if (error instanceof GoshawkError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const code = isNoRoom(error) ? 'GOSHAWK_NO_SPACE' : 'GOSHAWK_OUTPUT_REFUSED';
  return new GoshawkError(code, { path, reason }, { cause: error });
}

function refused(path: string, reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_OUTPUT_REFUSED', { path, reason });
}

/**
 * Checks that files can be written, before the work that produces their content. Entries that are undefined or empty
 * are outputs that nobody asked for. Existing content is not touched, and nothing is left behind.
 * @throws GoshawkError GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE
 */
export async function checkOutputFiles(...files: readonly (string | undefined)[]): Promise<void> {
  const seen = new Set<string>();
  for (const file of files) {
    if (file === undefined || file === '') continue;
    const path = resolve(file);
    if (seen.has(path)) throw refused(file, 'two outputs of this command have the same path');
    seen.add(path);
    try {
      await checkFile(file, path);
    } catch (error) {
      throw outputError(file, error);
    }
  }
}

/** Stats of a path; null if it does not exist. */
function statOrNull(path: string): Promise<Stats | null> {
  return stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
}

async function checkFile(file: string, path: string): Promise<void> {
  const there = await statOrNull(path);
  if (there !== null) {
    if (there.isDirectory()) throw refused(file, 'it is a folder');
    // pipes and devices (/dev/stdout) are written to as well
    await access(path, constants.W_OK);
    return;
  }
  const link = await lstat(path).catch(() => null);
  if (link !== null) throw refused(file, 'it is a link to something that does not exist');
  const folder = dirname(path);
  const parent = await stat(folder).catch(() => null);
  if (parent === null) throw refused(file, `there is no folder ${folder}`);
  if (!parent.isDirectory()) throw refused(file, `${folder} is not a folder`);
  // only writing shows it: permissions say nothing about quotas, read-only file systems and root
  const probe = join(folder, `.${basename(path)}.${process.pid}`.slice(0, 255));
  const handle = await open(probe, 'wx');
  await handle.close();
  await rm(probe, { force: true });
}

/**
 * Checks that a folder exists and can be written to, or can be created: its nearest existing parent is writable.
 * @throws GoshawkError GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE
 */
export async function checkOutputFolder(folder: string): Promise<void> {
  let place = resolve(folder);
  try {
    for (;;) {
      const there = await statOrNull(place);
      if (there?.isDirectory() === false) throw refused(folder, `${place} is not a folder`);
      if (there !== null) break;
      place = dirname(place);
    }
    await rmdir(await mkdtemp(join(place, '.goshawk-')));
  } catch (error) {
    throw outputError(folder, error);
  }
}

/**
 * A file can be writable but not replaceable: its folder belongs to someone else, or it is itself mounted into a
 * container.
 */
const NOT_REPLACEABLE: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY']);

/**
 * Writes a file that `checkOutputFiles` has checked, atomically. Pipes, devices and files that cannot be replaced are
 * written in place.
 * @throws GoshawkError GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE
 */
export async function writeOutput(file: string, data: string | Uint8Array): Promise<void> {
  try {
    const there = await statOrNull(file);
    if (there === null || there.isFile()) await replaceOrWrite(file, data, there !== null);
    else await writeFile(file, data);
  } catch (error) {
    throw outputError(file, error);
  }
}

async function replaceOrWrite(file: string, data: string | Uint8Array, isThere: boolean): Promise<void> {
  try {
    await writeFileWhole(file, data);
  } catch (error) {
    if (!isThere || !NOT_REPLACEABLE.has(codeOf(error))) throw error;
    await writeFile(file, data);
  }
}

/** Writes a report as JSON for people and programs. @throws GoshawkError GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE */
export function writeReport(file: string, report: object): Promise<void> {
  return writeOutput(file, `${JSON.stringify(report, null, 2)}\n`);
}
