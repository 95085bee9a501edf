import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** In the folder of the outbox, which only its user may enter. */
export const SOCKET_NAME = 'inspect.sock';

/** Bytes of a path that a Unix socket takes. */
const MAX_PATH_BYTES = 107;

/** Where the process that has an outbox open answers. */
export interface SocketPath {
  readonly path: string;
  /** The path is not used any more. */
  release(): Promise<void>;
}

/**
 * The path of the socket in a folder. One that is too long for a Unix socket leads through the open folder itself
 * (Linux).
 */
export async function socketPath(folder: string): Promise<SocketPath> {
  const path = join(folder, SOCKET_NAME);
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return { path, release: () => Promise.resolve() };
  const handle: FileHandle = await open(folder);
  return { path: `/proc/self/fd/${String(handle.fd)}/${SOCKET_NAME}`, release: () => handle.close() };
}
