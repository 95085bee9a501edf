import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { clipIdSchema } from '../../contract/clips.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { CLIP_SUFFIX, PART_SUFFIX } from './part-file.ts';

/** Another ingestor of the folder may be fetching what grew lately. */
const QUIET_MS = 3_600_000;

/** A file of the folder that is a clip, or what has arrived of one. */
interface ClipOnDisk {
  readonly path: string;
  /** without its suffix */
  readonly clipPath: string;
  readonly bytes: number;
  /** of its last byte */
  readonly mtimeMs: number;
  readonly isPart: boolean;
}

/**
 * The clips that the fleet has, `SITE/ROBOT/NODE/CLIP.mcap` in a folder, and their budget of bytes: the oldest make
 * room for new ones, as on a robot. Files of others are left alone, and not counted.
 */
export class ClipFolder {
  readonly #folder: string;
  readonly budgetBytes: number;
  #bytes = 0;
  #removed = 0;

  constructor(folder: string, budgetBytes: number) {
    this.#folder = folder;
    this.budgetBytes = budgetBytes;
  }

  /** that clips and parts of them took when they were looked at last */
  get bytes(): number {
    return this.#bytes;
  }

  /** clips, or parts of them, that made room for others */
  get removed(): number {
    return this.#removed;
  }

  /** Looks how much there is. Never throws. */
  async look(): Promise<void> {
    this.#bytes = bytesOf(await this.#clips());
  }

  /**
   * Removes the oldest clips until those that are fetched fit, or none if they would not fit even so.
   * @param fetched bytes of the clips that are fetched, also of the new one, by path without a suffix; they stay
   * @param clip the new one, for the error
   * @returns paths of what was removed, in the folder
   * @throws GoshawkError GOSHAWK_CLIPS_FULL, or what the file system throws
   */
  async makeRoom(fetched: ReadonlyMap<string, number>, clip: string): Promise<readonly string[]> {
    const wallMs = Date.now();
    const others = (await this.#clips()).filter(({ clipPath }) => !fetched.has(clipPath));
    const reserved = [...fetched.values()].reduce((sum, bytes) => sum + bytes, 0);
    const removable = others
      .filter(({ isPart, mtimeMs }) => !isPart || wallMs - mtimeMs >= QUIET_MS)
      .sort((a, b) => a.mtimeMs - b.mtimeMs);
    let excess = bytesOf(others) + reserved - this.budgetBytes;
    if (bytesOf(removable) < excess) throw this.#full(clip, reserved);
    const removed: string[] = [];
    for (const { path, clipPath, bytes } of removable) {
      if (excess <= 0) break;
      await rm(path, { force: true });
      excess -= bytes;
      this.#removed += 1;
      removed.push(clipPath);
    }
    await this.look();
    return removed;
  }

  #full(clip: string, reserved: number): GoshawkError {
    const reason = `clips that are fetched need ${reserved} bytes of ${this.budgetBytes}, others may not be removed`;
    return new GoshawkError('GOSHAWK_CLIPS_FULL', { clip, reason });
  }

  async #clips(): Promise<readonly ClipOnDisk[]> {
    const options = { recursive: true, withFileTypes: true } as const;
    const entries = await readdir(this.#folder, options).catch(() => []);
    const files = entries.filter((entry) => entry.isFile());
    const clips = await Promise.all(
      files.map(({ parentPath, name }) => clipAt(this.#folder, join(parentPath, name), name)),
    );
    return clips.filter((clip) => clip !== null);
  }
}

async function clipAt(folder: string, path: string, name: string): Promise<ClipOnDisk | null> {
  const suffix = [PART_SUFFIX, CLIP_SUFFIX].find((one) => name.endsWith(one));
  if (suffix === undefined || !clipIdSchema.safeParse(name.slice(0, -suffix.length)).success) return null;
  // it may be gone by now
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  const clipPath = path.slice(join(folder, '/').length, -suffix.length);
  return { path, clipPath, bytes: found.size, mtimeMs: found.mtimeMs, isPart: suffix === PART_SUFFIX };
}

function bytesOf(clips: readonly ClipOnDisk[]): number {
  return clips.reduce((sum, { bytes }) => sum + bytes, 0);
}
