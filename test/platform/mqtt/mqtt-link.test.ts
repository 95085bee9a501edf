import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { MqttLink } from '../../../src/platform/mqtt/mqtt-link.ts';

/** MQTT 5's CONNACK: accepted, no properties. */
const CONNACK = Buffer.from([0x20, 3, 0, 0, 0]);

/** A PUBLISH with QoS 0 and no properties. */
function publish(topic: string, payload: string): Buffer {
  const body = Buffer.from(`\0${String.fromCharCode(topic.length)}${topic}\0${payload}`);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

it('a link passes on what comes on its topic, and nothing that it never subscribed to', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.resume();
      socket.write(
        Buffer.concat([CONNACK, publish('other', 'x'), publish('own', '1'), publish('own/x', 'x')]),
      );
      socket.write(publish('own', 'last'));
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const received: string[] = [];
  await new Promise<void>((resolve) => {
    const link = new MqttLink(
      {
        urls: [`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`],
        clientId: 'test',
        will: { topic: 'will', payload: () => '' },
        listensTo: ['own'],
      },
      {
        onUp: () => undefined,
        onDown: () => undefined,
        onMessage: (payload) => {
          received.push(payload.toString());
          if (payload.toString() === 'last') resolve();
        },
      },
    );
    onTestFinished(async () => {
      // its subscription is never answered: it closes when it is dropped, and not before
      const closed = link.close();
      link.drop();
      await closed;
    });
    link.open();
  });
  expect(received).toEqual(['1', 'last']);
});
