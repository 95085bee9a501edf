import { createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { GoshawkError } from '../../contract/errors.ts';

/**
 * A small MQTT 3.1.1 broker inside the process, for the demo: it stores nothing on disk and has no users, so it listens
 * on the loopback address only. A fleet uses Mosquitto or another real broker.
 */
export class EmbeddedBroker {
  readonly #aedes: Aedes;
  readonly #server: Server;
  /** `mqtt://127.0.0.1:PORT` */
  readonly url: string;

  private constructor(aedes: Aedes, server: Server, url: string) {
    this.#aedes = aedes;
    this.#server = server;
    this.url = url;
  }

  /**
   * @param port 0 for a free one
   * @throws GoshawkError GOSHAWK_PORT_IN_USE
   */
  static async listen(port: number): Promise<EmbeddedBroker> {
    const aedes = await Aedes.createBroker();
    const server = createServer(aedes.handle);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const details = { port, host: '127.0.0.1', option: '--mqtt-port' };
        reject(error.code === 'EADDRINUSE' ? new GoshawkError('GOSHAWK_PORT_IN_USE', details) : error);
      });
      server.listen(port, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP address');
    return new EmbeddedBroker(aedes, server, `mqtt://127.0.0.1:${address.port}`);
  }

  /** Calls back for each message that clients publish; broker topics (`$SYS`) are left out. */
  onMessage(listener: (topic: string, payload: Buffer) => void): void {
    this.#aedes.on('publish', (packet, client) => {
      if (client !== null) listener(packet.topic, Buffer.from(packet.payload));
    });
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#aedes.close(resolve));
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
