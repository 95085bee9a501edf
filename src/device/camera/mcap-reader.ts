import { open, type FileHandle } from 'node:fs/promises';
import decompressLz4 from '@foxglove/wasm-lz4';
import { decompress as decompressZstd, isLoaded as isZstdLoaded } from '@foxglove/wasm-zstd';
import { McapIndexedReader } from '@mcap/core';

/** The largest piece of a recording that is read at once: a lying index must not exhaust the memory. */
const MAX_READ = 256 * 1024 * 1024;

/** An indexed MCAP file that is open for reading. */
export interface OpenRecording {
  readonly reader: McapIndexedReader;
  readonly file: FileHandle;
}

/** @throws what the file system or @mcap/core throws where the file is missing, cut short or no MCAP */
export async function openRecording(path: string): Promise<OpenRecording> {
  await Promise.all([isZstdLoaded, decompressLz4.isLoaded]);
  const file = await open(path, 'r');
  try {
    const reader = await McapIndexedReader.Initialize({
      readable: {
        size: async () => BigInt((await file.stat()).size),
        read: (offset, size) => readExactly(file, offset, size),
      },
      decompressHandlers: {
        zstd: (bytes, size) => decompressZstd(bytes, checkedSize(size)),
        lz4: (bytes, size) => decompressLz4(bytes, checkedSize(size)),
      },
    });
    return { reader, file };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function checkedSize(size: bigint): number {
  if (size > MAX_READ) throw new RangeError(`a piece of ${size} bytes is larger than ${MAX_READ}`);
  return Number(size);
}

async function readExactly(file: FileHandle, offset: bigint, size: bigint): Promise<Uint8Array> {
  const bytes = new Uint8Array(checkedSize(size));
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, Number(offset) + done);
    if (bytesRead === 0) throw new RangeError(`the file ends before byte ${offset + size}`);
    done += bytesRead;
  }
  return bytes;
}
