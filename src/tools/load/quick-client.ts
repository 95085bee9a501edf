import { connect, type Socket } from 'node:net';
import {
  connectPacket,
  PACKET,
  PacketReader,
  PINGREQ,
  pubackPacket,
  readConnack,
  readPublish,
  subscribePacket,
  type Connect,
  type Packet,
} from './packets.ts';

/** What is gathered before it is written. */
const CHUNK_BYTES = 2_048;
const MAX_PACKET_ID = 0xffff;

export interface QuickClientEvents {
  /** connected, and subscribed if it has a filter */
  onUp(): void;
  /** the broker may take more */
  onRoom?(): void;
  onMessage?(payload: Buffer, topic: string): void;
  /** the connection, or the attempt, has ended; not after `close` */
  onEnd?(): void;
}

export interface QuickClientOptions extends Connect {
  readonly port: number;
  readonly filter?: string;
  /** what is gathered before it is written; a client of many robots needs more */
  readonly chunkBytes?: number;
}

/** An MQTT 5 client for simulated robots: plain TCP to a broker of this machine, QoS 1, little CPU for a message. */
export class QuickClient {
  readonly #socket: Socket;
  readonly #events: QuickClientEvents;
  readonly #filter: string | undefined;
  readonly #chunkBytes: number;
  readonly #pinging: NodeJS.Timeout;
  readonly #reader = new PacketReader();
  #chunk = Buffer.allocUnsafe(0);
  #filled = 0;
  #isFlushing = false;
  #packetId = 0;
  #inFlight = 0;
  #maxInFlight = 0;
  #isClosed = false;

  constructor(
    { port, filter, chunkBytes = CHUNK_BYTES, ...connection }: QuickClientOptions,
    events: QuickClientEvents,
  ) {
    this.#events = events;
    this.#chunkBytes = chunkBytes;
    this.#filter = filter;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('connect', () => this.#write(connectPacket(connection)));
    this.#socket.on('data', (bytes: Buffer) => {
      for (const packet of this.#reader.read(bytes)) this.#take(packet);
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      clearInterval(this.#pinging);
      this.#maxInFlight = 0;
      if (!this.#isClosed) events.onEnd?.();
    });
    this.#pinging = setInterval(() => this.#write(PINGREQ), (connection.keepAliveSeconds * 1_000) / 2);
  }

  /** Whether the broker takes another message now. */
  get hasRoom(): boolean {
    return this.#inFlight < this.#maxInFlight && !this.#socket.writableNeedDrain;
  }

  /**
   * Publishes a packet; call it only if there is room.
   * @param idAt where its id is
   * @param patch writes what differs from the packet, which begins at `at`
   */
  publish(packet: Buffer, idAt: number, patch?: (chunk: Buffer, at: number) => void): void {
    this.#packetId = (this.#packetId % MAX_PACKET_ID) + 1;
    this.#inFlight += 1;
    const at = this.#write(packet);
    this.#chunk.writeUInt16BE(this.#packetId, at + idAt);
    patch?.(this.#chunk, at);
  }

  /** Ends the connection without a DISCONNECT. */
  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #take(packet: Packet): void {
    switch (packet.first & 0xf0) {
      case PACKET.connack:
        this.#begin(readConnack(packet.body));
        break;
      case PACKET.suback:
        this.#events.onUp();
        break;
      case PACKET.puback:
        this.#inFlight -= 1;
        this.#events.onRoom?.();
        break;
      case PACKET.publish: {
        const { topic, id, payload } = readPublish(packet);
        if (id !== null) this.#write(pubackPacket(id));
        this.#events.onMessage?.(payload, topic);
        break;
      }
      case PACKET.disconnect:
        this.#socket.destroy();
    }
  }

  #begin(maxInFlight: number | null): void {
    if (maxInFlight === null) {
      this.#socket.destroy();
      return;
    }
    this.#maxInFlight = maxInFlight;
    if (this.#filter === undefined) this.#events.onUp();
    else this.#write(subscribePacket(1, this.#filter));
  }

  /** Adds to what is written in a moment. @returns where it is in the chunk */
  #write(bytes: Buffer): number {
    if (this.#filled + bytes.length > this.#chunk.length) {
      this.#flush();
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(this.#chunkBytes, bytes.length));
    }
    const at = this.#filled;
    this.#chunk.set(bytes, at);
    this.#filled = at + bytes.length;
    if (!this.#isFlushing) {
      this.#isFlushing = true;
      setImmediate(() => this.#flush());
    }
    return at;
  }

  #flush(): void {
    this.#isFlushing = false;
    if (this.#filled === 0) return;
    this.#socket.write(this.#chunk.subarray(0, this.#filled));
    // what was written belongs to the socket until it is sent
    this.#chunk = this.#chunk.subarray(this.#filled);
    this.#filled = 0;
  }
}
