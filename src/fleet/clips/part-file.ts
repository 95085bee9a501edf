import { createHash } from 'node:crypto';
import { lstat, mkdir, open, realpath, rename, rm, type FileHandle } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Speaker } from '../../contract/telemetry/speaker.ts';
import { openRegularFile } from '../../platform/regular-file.ts';

/** Of the file of a clip, after the clip's name. */
export const CLIP_SUFFIX = '.mcap';

/** Of the file of what has arrived of a clip, after the clip's name. */
export const PART_SUFFIX = '.mcap.part';

/**
 * The file of a clip in the fleet's folder, `FOLDER/SITE/ROBOT/NODE/CLIP.mcap`, and what has arrived of it so far. The
 * names were checked: none is a path.
 */
export class PartFile {
  readonly #folder: string;
  /** in the folder */
  readonly #place: string;
  readonly #path: string;
  readonly #part: string;

  constructor(folder: string, { site, robot, node }: Speaker, clip: string) {
    this.#folder = folder;
    const own = join(site, robot, node);
    this.#place = join(own, `${clip}${CLIP_SUFFIX}`);
    this.#path = join(folder, this.#place);
    this.#part = join(folder, own, `${clip}${PART_SUFFIX}`);
  }

  async isWhole(): Promise<boolean> {
    return (await sizeOf(this.#path)) !== null;
  }

  /** Bytes that have arrived, also before this process. */
  async size(): Promise<number> {
    return (await sizeOf(this.#path)) ?? (await sizeOf(this.#part)) ?? 0;
  }

  /**
   * The whole file, to be read: removing it meanwhile takes nothing from who has it open, and must close it. Null if it
   * is not here; what a link leads to is not here either, since that may be any file of this machine.
   * @throws what the file system throws
   */
  async open(): Promise<{ readonly handle: FileHandle; readonly bytes: number } | null> {
    try {
      if (!(await this.isWhole())) return null;
      // the folder itself may be behind links, which are those of whoever started the fleet
      const expected = join(await realpath(this.#folder), this.#place);
      return (await realpath(this.#path)) === expected ? await openRegularFile(expected) : null;
    } catch (error) {
      // it was removed just now
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** @throws what the file system throws */
  async append(bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o750 });
    const handle = await open(this.#part, 'a', 0o640);
    try {
      await handle.appendFile(bytes);
    } finally {
      await handle.close();
    }
  }

  /**
   * Keeps the file if it has this digest, and removes it if not.
   * @returns whether it has
   * @throws what the file system throws
   */
  async finish(sha256: string): Promise<boolean> {
    const hash = createHash('sha256');
    for await (const piece of createReadStream(this.#part)) hash.update(piece as Buffer);
    if (hash.digest('hex') !== sha256) {
      await this.remove();
      return false;
    }
    const handle = await open(this.#part, 'r');
    await handle.sync();
    await handle.close();
    await rename(this.#part, this.#path);
    return true;
  }

  async remove(): Promise<void> {
    await rm(this.#part, { force: true });
  }
}

/** Of a file; null for anything else, links among them. */
async function sizeOf(path: string): Promise<number | null> {
  return lstat(path).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
}
