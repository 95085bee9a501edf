import { createReadStream } from 'node:fs';
import { open, rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decompress, isLoaded } from '@foxglove/wasm-zstd';
import { Decompress, decompress as decompressUnknown } from 'fzstd';
import { checkedSize } from './recording-file.ts';

/**
 * The first bytes of a Zstandard frame (RFC 8878, 3.1.1). A CDR message starts with two bytes of 0 and is
 * never mistaken for one.
 */
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** Loads the decompressor for `unpackMessage`. Await it when opening a recording. */
export async function loadZstd(): Promise<void> {
  await isLoaded;
}

export function isZstd(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** The size in the header of a frame (RFC 8878, 3.1.1.1); `undefined` if it is not stated. */
export function frameContentSize(bytes: Uint8Array): bigint | undefined {
  const descriptor = bytes[4];
  if (descriptor === undefined) return undefined;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const fieldBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const start = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  if (fieldBytes === 0 || bytes.length < start + fieldBytes) return undefined;
  let size = 0n;
  for (let i = fieldBytes - 1; i >= 0; i -= 1) size = (size << 8n) | BigInt(bytes[start + i]!);
  return fieldBytes === 2 ? size + 256n : size;
}

/**
 * Unpacks a message that rosbag2 compressed individually (`compression_mode: message`); returns others
 * unchanged.
 * @throws Error if it cannot be unpacked
 */
export function unpackMessage(data: Uint8Array): Uint8Array {
  if (!isZstd(data)) return data;
  const size = frameContentSize(data);
  if (size === undefined) return decompressUnknown(data);
  return decompress(data, checkedSize(size));
}

/**
 * Unpacks a file that was compressed as a whole (`compression_mode: file`) into a temporary file.
 * @returns its path and how to remove it
 * @throws what the file system throws, Error if it cannot be unpacked
 */
export async function unpackFile(path: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-recording-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const unpacked = join(folder, 'unpacked');
    await unpackTo(path, unpacked);
    return { path: unpacked, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function unpackTo(from: string, to: string): Promise<void> {
  const out = await open(to, 'w');
  try {
    let made: Uint8Array[] = [];
    const unpacker = new Decompress((piece) => {
      made.push(piece);
    });
    const writeMade = async (): Promise<void> => {
      const pieces = made;
      made = [];
      for (const piece of pieces) await out.writeFile(piece);
    };
    for await (const piece of createReadStream(from, { highWaterMark: 1 << 20 })) {
      unpacker.push(piece as Uint8Array);
      await writeMade();
    }
    unpacker.push(new Uint8Array(0), true);
    await writeMade();
  } finally {
    await out.close();
  }
}
