import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

/** Bytes after which what was written is forced to the disk. */
const SYNC_BYTES = 1 << 20;

/** The file of a clip while it is written: its size, its digest, and what a power cut leaves of it. */
export class ClipFile {
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #unsynced = 0;

  /** @throws what the file system throws; a file of that name is never overwritten */
  static async create(path: string): Promise<ClipFile> {
    return new ClipFile(await open(path, 'wx', 0o640));
  }

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** of `IWritable` of `@mcap/core` */
  position(): bigint {
    return BigInt(this.#bytes);
  }

  /** @throws what the file system throws: ENOSPC on a full disk */
  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done);
      done += bytesWritten;
    }
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    this.#unsynced += bytes.length;
    if (this.#unsynced < SYNC_BYTES) return;
    this.#unsynced = 0;
    await this.#handle.datasync();
  }

  /** Everything is on the disk after this. @returns sha256 of the file */
  async finish(): Promise<string> {
    await this.#handle.datasync();
    await this.#handle.close();
    return this.#hash.digest('hex');
  }

  /** Closes it after a failure; what it has stays. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }
}
