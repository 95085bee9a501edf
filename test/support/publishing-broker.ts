import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** PUBACK of MQTT 5 that means success, up to the packet's number. */
const PUBACK = Buffer.from([0x40, 2]);

/**
 * A broker of MQTT 5 that publishes messages to its only client, with QoS 1 and the numbers 1, 2, ..., as soon as it
 * is connected, and ends with the test. For topics that no client could publish through a real one.
 * @param payload of all of them
 * @returns the numbers that were acknowledged, as they come
 */
export async function publishingBroker(
  topics: readonly string[],
  payload = '{}',
): Promise<{ url: string; acked: number[] }> {
  const acked: number[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    socket.once('data', () => {
      // CONNACK without properties
      socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
      for (const [at, topic] of topics.entries()) socket.write(publishOf(topic, at + 1, payload));
      socket.on('data', (bytes) => {
        if (bytes[0] === 0x82) socket.write(answerOf(bytes));
        for (let at = bytes.indexOf(PUBACK); at >= 0; at = bytes.indexOf(PUBACK, at + 4))
          acked.push(bytes.readUInt16BE(at + 2));
      });
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { url: `mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`, acked };
}

function publishOf(topic: string, packet: number, payload: string): Buffer {
  const name = Buffer.from(topic);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(name.length);
  const body = Buffer.concat([head, name, Buffer.from([packet >> 8, packet & 255, 0]), Buffer.from(payload)]);
  // the length, in 7 bits a byte
  const length: number[] = [];
  for (let rest = body.length; rest > 0 || length.length === 0; rest >>= 7)
    length.push((rest & 127) | (rest > 127 ? 128 : 0));
  return Buffer.concat([Buffer.from([0x32, ...length]), body]);
}

/** SUBACK that grants QoS 1 for each filter of a SUBSCRIBE, which begins with the bytes and is shorter than 16 KiB. */
function answerOf(bytes: Buffer): Buffer {
  const start = bytes.readUInt8(1) > 127 ? 3 : 2;
  const end = start + (bytes.readUInt8(1) & 127) + (start === 3 ? bytes.readUInt8(2) << 7 : 0);
  let filters = 0;
  for (let at = start + 3; at < end; at += bytes.readUInt16BE(at) + 3) filters += 1;
  const grants = Array<number>(filters).fill(1);
  return Buffer.from([0x90, 3 + filters, ...bytes.subarray(start, start + 2), 0, ...grants]);
}
