import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A slow network passes bytes on in pieces: ten a second, or packets of this size. */
const PIECE_BYTES = 1_460;

/** A network between a client and a broker of this machine that can be cut, delayed and slowed down. */
export class FaultNetwork {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #delayMs = 0;
  #bytesPerSecond = Infinity;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(target: number): Promise<FaultNetwork> {
    const server = createServer();
    const network = new FaultNetwork(server);
    server.on('connection', (socket) => network.#join(socket, target));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return network;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Passes on at most this many bytes a second in each direction of a connection. */
  limit(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  restore(): void {
    this.#isCut = false;
    this.#delayMs = 0;
    this.#bytesPerSecond = Infinity;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, port: number): void {
    if (this.#isCut) {
      client.resetAndDestroy();
      return;
    }
    const broker = connect(port, '127.0.0.1');
    this.#pass(client, broker);
    this.#pass(broker, client);
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    let dueAt = 0;
    from.on('data', (bytes: Buffer) => {
      const rate = this.#bytesPerSecond;
      const size = rate === Infinity ? bytes.length : Math.min(PIECE_BYTES, Math.ceil(rate / 10));
      for (let at = 0; at < bytes.length; at += size) {
        const piece = bytes.subarray(at, at + size);
        // in order even if the delay just ended
        dueAt = Math.max(dueAt, performance.now() + this.#delayMs) + (piece.length / rate) * 1_000;
        const waitMs = dueAt - performance.now();
        if (waitMs <= 1) to.write(piece);
        else setTimeout(() => to.write(piece), waitMs);
      }
      if (rate !== Infinity) this.#pause(from, dueAt - performance.now());
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.resetAndDestroy();
    });
  }
  /** Reads on once what was read has been passed on: what waits does so at the sender. */
  #pause(from: Socket, ms: number): void {
    from.pause();
    setTimeout(() => from.resume(), Math.max(0, ms));
  }
}
