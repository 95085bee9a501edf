import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import type { InspectRequest } from '../../../contract/telemetry/ledger.ts';
import { socketPath } from './inspect-socket.ts';

/** A process that does not answer within this time is treated as one that is not there. */
const ANSWER_MS = 5_000;

/**
 * Asks the process that has an outbox open.
 * @returns its lines as they come; nothing if no process answers
 */
export async function* askProcess(
  folder: string,
  ask: InspectRequest['ask'],
  signal?: AbortSignal,
): AsyncIterable<string> {
  const path = await socketPath(folder).catch(() => null);
  if (path === null) return;
  const socket = createConnection(path.path);
  const stop = (): void => void socket.destroy();
  signal?.addEventListener('abort', stop);
  try {
    const isConnected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (!isConnected) return;
    socket.on('error', stop);
    if (ask !== 'tail') socket.setTimeout(ANSWER_MS, stop);
    socket.write(`${JSON.stringify({ ask } satisfies InspectRequest)}\n`);
    for await (const line of createInterface({ input: socket, crlfDelay: Infinity })) yield line;
  } finally {
    signal?.removeEventListener('abort', stop);
    socket.destroy();
    await path.release();
  }
}
