import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { clipIdSchema } from '../../contract/clips.ts';
import { PART_SUFFIX } from './part-file.ts';

/** What has arrived of a clip is kept for so long after its last byte: a week. */
const KEPT_MS = 7 * 86_400_000;

/**
 * Removes what arrived of clips that nobody went on fetching, `SITE/ROBOT/NODE/CLIP.mcap.part` in the folder. Other
 * files stay, and so does what cannot be removed. Never throws.
 * @param wallMs now, milliseconds since the epoch
 * @returns how many were removed
 */
export async function removeOldParts(folder: string, wallMs: number): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const parts = entries.filter((entry) => entry.isFile() && isPart(entry.name));
  let removed = 0;
  for (const { parentPath, name } of parts)
    if (await removeIfOld(join(parentPath, name), wallMs)) removed += 1;
  return removed;
}

const isPart = (name: string): boolean =>
  name.endsWith(PART_SUFFIX) && clipIdSchema.safeParse(name.slice(0, -PART_SUFFIX.length)).success;

async function removeIfOld(path: string, wallMs: number): Promise<boolean> {
  try {
    if (wallMs - (await stat(path)).mtimeMs < KEPT_MS) return false;
    await rm(path);
    return true;
  } catch {
    return false;
  }
}
