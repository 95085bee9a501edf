import type { FileHandle } from 'node:fs/promises';
import { crc32 } from '@foxglove/crc';
import { z } from 'zod';
import { tryParseJson } from '../../../contract/json.ts';

/** Before the text: its CRC-32 and its length, 4 bytes each, little endian. */
const HEADER_BYTES = 8;

const generationSchema = z.looseObject({ generation: z.int().min(0) });

/** Where two slots of a file are. */
interface SlotPlace {
  /** of the first one; the second follows it */
  readonly offset: number;
  /** of each */
  readonly bytes: number;
}

/**
 * A value in two slots of a file that are overwritten in turn, so that a torn write leaves the older one, and a full
 * disk, which has room for no new file, still takes it.
 */
export class SlotPair<Value extends object> {
  readonly #file: FileHandle;
  readonly #place: SlotPlace;
  readonly #schema: z.ZodType<Value>;
  #generation = 0;

  constructor(file: FileHandle, place: SlotPlace, schema: z.ZodType<Value>) {
    this.#file = file;
    this.#place = place;
    this.#schema = schema;
  }

  /** The value that was written last and is whole; null if there is none. */
  async read(): Promise<Value | null> {
    const slots = [await this.#readSlot(0), await this.#readSlot(1)];
    const newest = slots.reduce((a, b) => ((b?.generation ?? -1) > (a?.generation ?? -1) ? b : a));
    if (newest === null || newest === undefined) return null;
    this.#generation = newest.generation;
    return newest.value;
  }

  /** Resolves once the value is on the disk. @throws RangeError for one that does not fit */
  async write(value: Value): Promise<void> {
    const generation = this.#generation + 1;
    const text = Buffer.from(JSON.stringify({ ...value, generation }));
    const { offset, bytes: size } = this.#place;
    if (text.length > size - HEADER_BYTES)
      throw new RangeError(`${String(text.length)} bytes do not fit into a slot`);
    const bytes = Buffer.alloc(HEADER_BYTES + text.length);
    bytes.writeUInt32LE(crc32(text), 0);
    bytes.writeUInt32LE(text.length, 4);
    text.copy(bytes, HEADER_BYTES);
    await this.#file.write(bytes, 0, bytes.length, offset + (generation % 2) * size);
    await this.#file.datasync();
    this.#generation = generation;
  }

  async #readSlot(index: 0 | 1): Promise<{ readonly generation: number; readonly value: Value } | null> {
    const { offset, bytes: size } = this.#place;
    const bytes = Buffer.alloc(size);
    await this.#file.read(bytes, 0, size, offset + index * size);
    const length = bytes.readUInt32LE(4);
    if (length === 0 || length > size - HEADER_BYTES) return null;
    const text = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length);
    if (crc32(text) !== bytes.readUInt32LE(0)) return null;
    const json = tryParseJson(text.toString());
    const generation = generationSchema.safeParse(json).data?.generation;
    const value = this.#schema.safeParse(json).data;
    return generation === undefined || value === undefined ? null : { generation, value };
  }
}
