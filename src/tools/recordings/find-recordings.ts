import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GoshawkError, describeError } from '../../contract/errors.ts';
import { isRecordingName, METADATA } from '../../device/recording/recording-files.ts';

/**
 * The recordings that paths name: a file is one, and so is a folder of rosbag2 (`metadata.yaml`); any other folder has
 * those that are in it, sorted by name, those of its own folders included.
 * @throws GoshawkError GOSHAWK_FILE_UNREADABLE; GOSHAWK_USAGE for a folder without recordings
 */
export async function findRecordings(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const own = await recordingsAt(path);
    if (own.length === 0) throw new GoshawkError('GOSHAWK_USAGE', { reason: `${path} has no recordings` });
    found.push(...own);
  }
  return [...new Set(found)];
}

async function recordingsAt(path: string): Promise<string[]> {
  const names = await namesIn(path);
  if (names === null || names.includes(METADATA)) return [path];
  const nested = await readdir(path, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of nested.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) found.push(...(await recordingsAt(inside)));
    else if (isRecordingName(entry.name)) found.push(inside);
  }
  return found;
}

/** Null for a file. */
async function namesIn(path: string): Promise<readonly string[] | null> {
  try {
    return (await stat(path)).isDirectory() ? await readdir(path) : null;
  } catch (error) {
    const details = { file: path, reason: describeError(error) };
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', details, { cause: error });
  }
}
