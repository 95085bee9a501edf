import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { earlierBootSchema, marksSchema } from './records.ts';
import { SlotPair } from './slot-pair.ts';
import { MAX_EARLIER_BOOTS, type EarlierBoot, type Marks, type MarkStore, type SavedMarks } from './store.ts';

const MARKS = { offset: 0, bytes: 4096 } as const;

/** A boot has at most about 250 bytes. */
const EARLIER = { offset: 2 * MARKS.bytes, bytes: 256 * 1024 } as const;

const FILE_BYTES = EARLIER.offset + 2 * EARLIER.bytes;

const earlierSchema = z.object({ boots: z.array(earlierBootSchema).max(MAX_EARLIER_BOOTS) });

/** Marks in a file of its own, which has the room that it needs from the beginning. */
export class MarkFile implements MarkStore {
  readonly #file: FileHandle;
  readonly #marks: SlotPair<Marks>;
  readonly #earlier: SlotPair<{ readonly boots: readonly EarlierBoot[] }>;

  private constructor(file: FileHandle) {
    this.#file = file;
    this.#marks = new SlotPair(file, MARKS, marksSchema);
    this.#earlier = new SlotPair(file, EARLIER, earlierSchema);
  }

  /** Opens the file, or makes it with room for all slots. @throws for a path that is a link, or not a file */
  static async open(path: string): Promise<MarkFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // A link would have another file overwritten; opening a pipe would wait for its other end.
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(path, flags, 0o600);
    try {
      const { size } = await file.stat();
      // An older version of the file ends after the marks, which stay.
      if (size < FILE_BYTES) {
        await file.write(Buffer.alloc(FILE_BYTES - size), 0, FILE_BYTES - size, size);
        await file.sync();
      }
      return new MarkFile(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async read(): Promise<SavedMarks> {
    return { last: await this.#marks.read(), earlier: (await this.#earlier.read())?.boots ?? [] };
  }

  async write(marks: Marks): Promise<void> {
    await this.#marks.write(marks);
  }

  async writeEarlier(boots: readonly EarlierBoot[]): Promise<void> {
    await this.#earlier.write({ boots });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
