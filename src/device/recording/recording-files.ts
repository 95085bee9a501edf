import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { errorText } from '../../platform/error-text.ts';
import { readRegularFile } from '../../platform/regular-file.ts';

/** Makes a folder a recording of rosbag2. */
export const METADATA = 'metadata.yaml';
const PART = /\.(mcap|db3)(\.zstd)?$/;

/** Whether a file has the name of a recording, or of a part of one. */
export const isRecordingName = (name: string): boolean => PART.test(name);

/**
 * The files of a rosbag2 folder in order: as its metadata lists them, then the others by number, because a
 * recorder that was killed lists none, or not the last.
 * @throws what the file system throws, Error if the metadata is not YAML
 */
export async function listParts(folder: string): Promise<string[]> {
  const present = (await readdir(folder)).filter(isRecordingName).sort(byNumber);
  const listed = await readListed(join(folder, METADATA));
  // if a part exists both packed and unpacked, use the unpacked one
  const files = new Map<string, string>();
  for (const name of listed) files.set(withoutZstd(name), name);
  for (const name of present) {
    const part = withoutZstd(name);
    if (name === part || !present.includes(part)) files.set(part, name);
  }
  return [...files.values()];
}

function withoutZstd(name: string): string {
  return name.replace(/\.zstd$/, '');
}

/** A list of splits is a few kilobytes. A file that only has its name must not fill the memory. */
const MAX_METADATA_BYTES = 16 * 1024 * 1024;

async function readListed(file: string): Promise<string[]> {
  const bytes = await readRegularFile(file, MAX_METADATA_BYTES).catch(() => undefined);
  if (bytes === undefined) return [];
  const text = new TextDecoder().decode(bytes);
  let metadata: unknown;
  try {
    metadata = parse(text);
  } catch (error) {
    throw new Error(`${METADATA} is not valid YAML (${errorText(error)}); recreate it: ros2 bag reindex`, {
      cause: error,
    });
  }
  const info = (metadata as Record<string, Record<string, unknown>> | null)?.['rosbag2_bagfile_information'];
  const paths = info?.['relative_file_paths'];
  // Early versions of rosbag2 wrote the folder's name in front.
  return Array.isArray(paths) ? paths.map((path) => basename(String(path))) : [];
}

function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
