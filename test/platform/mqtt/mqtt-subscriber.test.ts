import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { MqttSubscriber } from '../../../src/platform/mqtt/mqtt-subscriber.ts';

let server: Server | undefined;
let subscriber: MqttSubscriber | undefined;
afterEach(async () => {
  await subscriber?.close(100);
  server?.close();
});

/**
 * A broker of MQTT 5 that accepts the first connection, ends it, and hangs up on later ones.
 * @returns the protocol levels of all attempts
 */
async function flakyBroker(): Promise<{ url: string; levels: number[] }> {
  const levels: number[] = [];
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (connect) => {
      // the level follows the name "MQTT" in CONNECT
      levels.push(connect[connect.indexOf('MQTT') + 4] ?? 0);
      if (levels.length > 1) socket.destroy();
      // CONNACK without properties; the subscription that follows is answered by the end of the connection
      else {
        socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
        socket.once('data', () => socket.destroy());
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`, levels };
}

it('keeps to MQTT 5 with a broker that accepted it before, though it hangs up without a reason', async () => {
  const { url, levels } = await flakyBroker();
  subscriber = new MqttSubscriber(
    {
      url,
      clientId: 'test',
      shared: ['a/#'],
      group: 'g',
      plain: [],
      receiveMaximum: 10,
      maxPacketBytes: 1000,
    },
    { onUp: () => undefined, onDown: () => undefined, onMessage: () => undefined },
  );
  subscriber.open();
  await expect.poll(() => levels.length, { timeout: 25_000 }).toBeGreaterThan(2);
  expect(new Set(levels)).toEqual(new Set([5]));
});
