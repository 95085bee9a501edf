import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from '@foxglove/crc';
import { z } from 'zod';
import type { MarkStore, Marks } from './store.ts';

const SLOT_BYTES = 4096;

const slotSchema = z.object({
  generation: z.int().min(0),
  bootId: z.uuid(),
  bootCount: z.int().min(0),
  reserved: z.record(z.string(), z.int().min(0)),
});

type Slot = z.infer<typeof slotSchema>;

/**
 * Marks in a file of two slots that are overwritten in turn, so that a torn write leaves the older one, and a full
 * disk, which has room for no new file, still takes them.
 */
export class MarkFile implements MarkStore {
  readonly #file: FileHandle;
  #generation = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Opens the file, or makes it with room for both slots. */
  static async open(path: string): Promise<MarkFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      if ((await file.stat()).size < 2 * SLOT_BYTES) {
        await file.write(Buffer.alloc(2 * SLOT_BYTES), 0, 2 * SLOT_BYTES, 0);
        await file.sync();
      }
      return new MarkFile(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async read(): Promise<Marks | null> {
    const slots = [await this.#readSlot(0), await this.#readSlot(1)];
    const newest = slots.reduce((a, b) => ((b?.generation ?? -1) > (a?.generation ?? -1) ? b : a));
    if (newest === null) return null;
    this.#generation = newest.generation;
    const { bootId, bootCount, reserved } = newest;
    return { bootId, bootCount, reserved };
  }

  async write(marks: Marks): Promise<void> {
    const slot: Slot = { ...marks, generation: this.#generation + 1 };
    const text = Buffer.from(JSON.stringify(slot));
    const bytes = Buffer.alloc(SLOT_BYTES);
    bytes.writeUInt32LE(crc32(text), 0);
    bytes.writeUInt32LE(text.length, 4);
    text.copy(bytes, 8);
    await this.#file.write(bytes, 0, SLOT_BYTES, (slot.generation % 2) * SLOT_BYTES);
    await this.#file.datasync();
    this.#generation = slot.generation;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #readSlot(index: 0 | 1): Promise<Slot | null> {
    const bytes = Buffer.alloc(SLOT_BYTES);
    await this.#file.read(bytes, 0, SLOT_BYTES, index * SLOT_BYTES);
    const length = bytes.readUInt32LE(4);
    if (length === 0 || length > SLOT_BYTES - 8) return null;
    const text = bytes.subarray(8, 8 + length);
    if (crc32(text) !== bytes.readUInt32LE(0)) return null;
    return slotSchema.safeParse(JSON.parse(text.toString())).data ?? null;
  }
}
