import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { BrokerCondition } from '../../../contract/bench-telemetry.ts';
import { freePort } from '../../../platform/free-port.ts';
import { FaultNetwork } from '../../faults/network.ts';

/** What answers at an address. */
interface BrokerEnd {
  readonly url: string;
  close(): void;
}

/** Bytes a second of a slow network. */
const SLOW_BYTES_PER_SECOND = 300;

/** MQTT 5's CONNACK: accepted, no properties. */
const CONNACK = Buffer.from([0x20, 3, 0, 0, 0]);

/** A PUBLISH with QoS 0, a topic of one letter, no properties, and 120 bytes. */
const PUBLISH = Buffer.concat([Buffer.from([0x30, 124, 0, 1, 0x61, 0]), Buffer.alloc(120, 0x20)]);

/** The beginning of a PUBLISH of 256 MiB, MQTT's largest. */
const ENDLESS = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x61, 0]);

/**
 * What clients of a condition connect to instead of the good broker. Nothing, if nobody listens there.
 * @param goodPort of the good broker
 */
export async function brokerEnd(
  condition: Exclude<BrokerCondition, 'off' | 'again' | 'good' | 'drift' | 'catch-up'>,
  goodPort: number,
): Promise<BrokerEnd> {
  switch (condition) {
    case 'away':
    case 'backlog':
      return { url: `mqtt://127.0.0.1:${await freePort()}`, close: () => undefined };
    case 'slow':
      return slowNetwork(goodPort);
    case 'hanging':
      return listen((socket) => void socket.resume());
    case 'flooding':
      return listen((socket) => pour(socket, CONNACK, Buffer.concat(Array<Buffer>(500).fill(PUBLISH))));
    case 'endless':
      return listen((socket) => pour(socket, Buffer.concat([CONNACK, ENDLESS]), Buffer.alloc(64 * 1024)));
  }
}

async function slowNetwork(port: number): Promise<BrokerEnd> {
  const network = await FaultNetwork.listen(port);
  network.limit(SLOW_BYTES_PER_SECOND);
  return network;
}

/** Writes as fast as the other end reads, once it has said something. */
function pour(socket: Socket, first: Buffer, more: Buffer): void {
  const fill = (): void => {
    while (!socket.destroyed && socket.write(more));
  };
  socket.on('drain', fill);
  socket.once('data', () => {
    socket.resume();
    socket.write(first);
    fill();
  });
}

async function listen(onSocket: (socket: Socket) => void): Promise<BrokerEnd> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
