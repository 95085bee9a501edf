import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { tryParseJson } from '../../../contract/json.ts';
import { inspectRequestSchema, type InspectRequest } from '../../../contract/telemetry/ledger.ts';
import { errorText } from '../../../platform/error-text.ts';
import { SOCKET_NAME, socketPath, type SocketPath } from './inspect-socket.ts';

/** Those who look at the outbox at a time, at most. */
const MAX_CONNECTIONS = 8;
const MAX_REQUEST_BYTES = 1024;
/** A question comes within this time, or not at all. */
const REQUEST_MS = 5_000;
/** What a reader of messages has not taken yet; beyond it, messages are skipped and counted. */
const MAX_UNREAD_BYTES = 1 << 20;

/** What can be asked of a process that has an outbox open. */
export interface InspectSource {
  answer(ask: Exclude<InspectRequest['ask'], 'tail'>): object;
}

/** Answers `goshawk telemetry` from inside the process that has an outbox open. It never keeps the process alive. */
export class InspectServer {
  readonly #server: Server;
  readonly #path: SocketPath;
  readonly #sockets = new Set<Socket>();
  /** those who are shown messages, with how many they missed */
  readonly #readers = new Map<Socket, number>();

  private constructor(server: Server, path: SocketPath) {
    this.#server = server;
    this.#path = path;
  }

  /**
   * Listens in the folder of an outbox that is open here. Telemetry works without it.
   * @param log gets a line if that is not possible
   */
  static async open(
    folder: string,
    source: InspectSource,
    log: (line: string) => void,
  ): Promise<InspectServer | null> {
    try {
      // of a process that was killed: whoever has the outbox open is the only one here
      await rm(join(folder, SOCKET_NAME), { force: true });
      const path = await socketPath(folder);
      const server = createServer();
      const inspect = new InspectServer(server, path);
      server.maxConnections = MAX_CONNECTIONS;
      server.on('connection', (socket) => inspect.#serve(socket, source));
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path.path, resolve);
      });
      server.on('error', () => undefined);
      server.unref();
      return inspect;
    } catch (error) {
      log(`"goshawk telemetry" cannot ask this process: ${errorText(error)}`);
      return null;
    }
  }

  /** A message was made. */
  note(stream: string, payload: string): void {
    for (const [socket, skipped] of this.#readers) {
      if (socket.writableLength > MAX_UNREAD_BYTES) this.#readers.set(socket, skipped + 1);
      else {
        if (skipped > 0) socket.write(`${JSON.stringify({ skipped })}\n`);
        this.#readers.set(socket, 0);
        socket.write(`${JSON.stringify({ stream, payload })}\n`);
      }
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#path.release();
  }

  #serve(socket: Socket, source: InspectSource): void {
    let text = '';
    socket.unref();
    this.#sockets.add(socket);
    socket.setEncoding('utf8');
    socket.setTimeout(REQUEST_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#readers.delete(socket);
    });
    socket.on('data', (chunk: string) => {
      if (this.#readers.has(socket)) return;
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0 && text.length <= MAX_REQUEST_BYTES) return;
      const ask = end < 0 ? undefined : requestOf(text.slice(0, end));
      if (ask === undefined) socket.destroy();
      else if (ask === 'tail') {
        socket.setTimeout(0);
        this.#readers.set(socket, 0);
        // so that it is known to be there before the first message
        socket.write('{"skipped":0}\n');
      } else socket.end(`${JSON.stringify(source.answer(ask))}\n`);
    });
  }
}

function requestOf(line: string): InspectRequest['ask'] | undefined {
  return inspectRequestSchema.safeParse(tryParseJson(line)).data?.ask;
}
