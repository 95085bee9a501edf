import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

/** Bytes that are read at a time, and about as many wait to be taken. */
const PIECE_BYTES = 64 << 10;

/** Bytes of a file, one after the other. */
export interface ByteRange {
  readonly start: number;
  /** > 0 */
  readonly length: number;
}

/**
 * A part of an open file, read no faster than it is taken. It closes the file, however it ends. A file that ends before
 * the part does is an error: whoever takes it was told how long it is.
 */
export class FilePart extends Readable {
  readonly #file: FileHandle;
  #position: number;
  #left: number;
  #taken = 0;

  constructor(file: FileHandle, { start, length }: ByteRange) {
    super({ highWaterMark: PIECE_BYTES });
    this.#file = file;
    this.#position = start;
    this.#left = length;
  }

  /** Bytes that were read so far. */
  get bytesRead(): number {
    return this.#taken;
  }

  /** Whether the last byte was read. */
  get isRead(): boolean {
    return this.#left === 0;
  }

  override _read(): void {
    if (this.#left === 0) this.push(null);
    else void this.#readPiece();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // waits for a read that is under way
    this.#file.close().then(
      () => done(error),
      () => done(error),
    );
  }

  async #readPiece(): Promise<void> {
    try {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, this.#left));
      const { bytesRead } = await this.#file.read(piece, 0, piece.length, this.#position);
      if (bytesRead === 0) throw new Error('the file ends before its last byte');
      this.#position += bytesRead;
      this.#left -= bytesRead;
      this.#taken += bytesRead;
      if (!this.destroyed) this.push(piece.subarray(0, bytesRead));
    } catch (error) {
      this.destroy(error as Error);
    }
  }
}
