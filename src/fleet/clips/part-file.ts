import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Speaker } from '../../contract/telemetry/speaker.ts';

/** Of the file of a clip, after the clip's name. */
export const CLIP_SUFFIX = '.mcap';

/** Of the file of what has arrived of a clip, after the clip's name. */
export const PART_SUFFIX = '.mcap.part';

/**
 * The file of a clip in the fleet's folder, `FOLDER/SITE/ROBOT/NODE/CLIP.mcap`, and what has arrived of it so far. The
 * names were checked: none is a path.
 */
export class PartFile {
  readonly #path: string;
  readonly #part: string;

  constructor(folder: string, { site, robot, node }: Speaker, clip: string) {
    const own = join(folder, site, robot, node);
    this.#path = join(own, `${clip}${CLIP_SUFFIX}`);
    this.#part = join(own, `${clip}${PART_SUFFIX}`);
  }

  async isWhole(): Promise<boolean> {
    return (await sizeOf(this.#path)) !== null;
  }

  /** Bytes that have arrived, also before this process. */
  async size(): Promise<number> {
    return (await sizeOf(this.#path)) ?? (await sizeOf(this.#part)) ?? 0;
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

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ size }) => size,
    () => null,
  );
}
