import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { listParts, METADATA } from '../../../device/recording/recording-files.ts';
import { sha256OfFile } from '../../../model/bundle.ts';
import { sha256Of } from '../../../platform/digest.ts';

/**
 * What identifies a recording: the sha256 of a file. That of a rosbag2 folder is of the lines that `sha256sum` prints
 * in it for `metadata.yaml` and its splits in their order, so it covers all of them and not where the folder is.
 * @throws what the file system throws
 */
export async function digestRecording(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory())
    return basename(path) === METADATA ? digestRecording(dirname(path)) : sha256OfFile(path);
  const lines: string[] = [];
  for (const name of [METADATA, ...(await listParts(path))]) {
    const file = join(path, name);
    // a split that the metadata lists may be gone, and a recorder that was killed leaves no metadata
    if (await isFile(file)) lines.push(`${await sha256OfFile(file)}  ${name}\n`);
  }
  return sha256Of(lines.join(''));
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
