import type { FileHandle } from 'node:fs/promises';
import { openRegularFile } from '../../platform/regular-file.ts';

/**
 * The largest piece of a recording that is read or unpacked at once, so that a bogus length cannot exhaust
 * the memory.
 */
const MAX_PIECE = 256 * 1024 * 1024;

/** @throws RangeError for a piece that is too large */
export function checkedSize(size: bigint | number): number {
  if (size > MAX_PIECE) throw new RangeError(`a piece of ${size} bytes is larger than ${MAX_PIECE}`);
  return Number(size);
}

/** A file with random access. */
export class RecordingFile {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** @throws what the file system throws, Error if it is not a regular file */
  static async open(path: string): Promise<RecordingFile> {
    return new RecordingFile((await openRegularFile(path)).handle);
  }

  async size(): Promise<bigint> {
    return (await this.#handle.stat({ bigint: true })).size;
  }

  /** @throws RangeError if the file ends before that, or the piece is too large */
  async read(offset: bigint, size: bigint): Promise<Uint8Array> {
    const bytes = await this.readUpTo(offset, checkedSize(size));
    if (bytes.length < size) throw new RangeError(`the file ends before byte ${offset + size}`);
    return bytes;
  }

  /** As many bytes as available, at most `most`. */
  async readUpTo(offset: bigint, most: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(most);
    let done = 0;
    while (done < most) {
      const { bytesRead } = await this.#handle.read(bytes, done, most - done, Number(offset) + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
