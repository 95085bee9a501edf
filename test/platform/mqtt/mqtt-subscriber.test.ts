import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { errorText } from '../../../src/platform/error-text.ts';
import { MqttSubscriber } from '../../../src/platform/mqtt/mqtt-subscriber.ts';
import { publishingBroker } from '../../support/publishing-broker.ts';

const OPTIONS = {
  clientId: 'test',
  shared: ['a/#'],
  group: 'g',
  plain: [],
  receiveMaximum: 10,
  maxPacketBytes: 1000,
};

const SILENT = {
  onUp: () => undefined,
  onDown: () => undefined,
  onMessage: () => undefined,
  onFault: () => undefined,
};

let server: Server | undefined;
let subscriber: MqttSubscriber | undefined;
afterEach(async () => {
  await subscriber?.close(100);
  server?.close();
});

/** Whether a broker accepts a connection: by its protocol level, and how many there were before. */
type Accepts = (level: number, before: number) => boolean;

/**
 * A broker that hangs up, without a reason, on connections that it does not accept. It ends those that it does accept
 * when they subscribe.
 * @returns the protocol levels of all attempts
 */
async function silentBroker(accepts: Accepts): Promise<{ url: string; levels: number[] }> {
  const levels: number[] = [];
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (connect) => {
      // the level follows the name "MQTT" in CONNECT
      const level = connect[connect.indexOf('MQTT') + 4] ?? 0;
      levels.push(level);
      if (!accepts(level, levels.length - 1)) socket.destroy();
      else {
        // CONNACK, in MQTT 5 without properties
        socket.write(Buffer.from(level === 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]));
        socket.once('data', () => socket.destroy());
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`, levels };
}

/** Levels of the first attempts, from a subscriber that comes back sooner than usual. */
async function firstLevels(accepts: Accepts, count: number): Promise<number[]> {
  const { url, levels } = await silentBroker(accepts);
  subscriber = new MqttSubscriber({ ...OPTIONS, url, timing: { firstMs: 20, maxMs: 20 } }, SILENT);
  subscriber.open();
  await expect.poll(() => levels.length, { timeout: 25_000 }).toBeGreaterThanOrEqual(count);
  return levels.slice(0, count);
}

it('keeps to MQTT 5 with a broker that accepted it before, though it hangs up without a reason', async () => {
  expect(await firstLevels((_level, before) => before === 0, 3)).toEqual([5, 5, 5]);
});

it('comes back to MQTT 5 where something hung up on it only until the broker was up', async () => {
  expect(await firstLevels((_level, before) => before >= 1, 4)).toEqual([5, 4, 5, 5]);
  await subscriber?.close(100);
  server?.close();
  expect(await firstLevels((_level, before) => before >= 3, 6)).toEqual([5, 4, 5, 4, 5, 5]);
});

it('keeps to MQTT 3.1.1 with a broker that accepts it and hangs up on MQTT 5 twice', async () => {
  expect(await firstLevels((level) => level === 4, 6)).toEqual([5, 4, 5, 4, 4, 4]);
});

it('closes at its limit where the broker never answers the subscription', async () => {
  const asking: Socket[] = [];
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
      socket.once('data', () => asking.push(socket));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  subscriber = new MqttSubscriber({ ...OPTIONS, url }, SILENT);
  subscriber.open();
  await expect.poll(() => asking.length, { timeout: 25_000 }).toBe(1);
  const ended = once(asking[0]!, 'close');
  await subscriber.close(1);
  await ended;
  expect(subscriber.isUp).toBe(false);
});

it('reads and acknowledges the next message, also where one before it was too much for the consumer', async () => {
  const { url, acked } = await publishingBroker(['a/1', 'a/2', 'a/3']);
  const faults: string[] = [];
  subscriber = new MqttSubscriber(
    { ...OPTIONS, url },
    {
      onUp: () => undefined,
      onDown: () => undefined,
      onMessage: (topic) => {
        if (topic === 'a/1') throw new Error('thrown');
        return topic === 'a/2' ? Promise.reject(new Error('rejected')) : undefined;
      },
      onFault: (topic, error) => faults.push(`${topic} ${errorText(error)}`),
    },
  );
  subscriber.open();
  await expect.poll(() => acked, { timeout: 25_000 }).toEqual([1, 2, 3]);
  expect(faults).toEqual(['a/1 thrown', 'a/2 rejected']);
});
