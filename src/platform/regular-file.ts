import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/**
 * Opens a file for reading. Throws for a FIFO, a device, a socket or a folder: reading one of those may block forever.
 * The caller must close it.
 */
export async function openRegularFile(path: string): Promise<{ handle: FileHandle; bytes: number }> {
  // without O_NONBLOCK, opening a FIFO waits for its writer
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error(`${path} is not a regular file`);
    return { handle, bytes: found.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A regular file's bytes, at most `maxBytes`. Throws as `openRegularFile` does, and if the file is larger. */
export async function readRegularFile(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const { handle, bytes } = await openRegularFile(path);
  try {
    if (bytes > maxBytes) throw new Error(`${path} has ${bytes} bytes, ${maxBytes} at most are read`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
