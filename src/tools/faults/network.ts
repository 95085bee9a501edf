import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A network between a client and a broker of this machine that can be cut and delayed. */
export class FaultNetwork {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #delayMs = 0;

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

  restore(): void {
    this.#isCut = false;
    this.#delayMs = 0;
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
      // in order even if the delay just ended
      dueAt = Math.max(dueAt, performance.now() + this.#delayMs);
      const waitMs = dueAt - performance.now();
      if (waitMs <= 1) to.write(bytes);
      else setTimeout(() => to.write(bytes), waitMs);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.resetAndDestroy();
    });
  }
}
