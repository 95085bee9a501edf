import fc from 'fast-check';
import { generate, parser, type Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import { createRandom } from '../../../src/core/random.ts';
import {
  connectPacket,
  PacketReader,
  publishPacket,
  pubackPacket,
  readConnack,
  readPublish,
  subscribePacket,
} from '../../../src/tools/load/packets.ts';
import {
  makeTemplate,
  simulatedMetrics,
  numberOf,
  payloadFrom,
  simulatedState,
} from '../../../src/tools/load/payloads.ts';

/** What another implementation reads of a packet. */
function parsed(bytes: Buffer): Packet {
  const packets: Packet[] = [];
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (packet) => packets.push(packet));
  reader.parse(bytes);
  expect(packets).toHaveLength(1);
  return packets[0]!;
}

describe('packets of simulated robots', () => {
  it('are read by another implementation', () => {
    const will = { topic: 'fleet/v1/a/b/c/connection', payload: '{"x":"é"}' };
    const connection = { clientId: 'one', keepAliveSeconds: 60, receiveMaximum: 500, will };
    expect(parsed(connectPacket(connection))).toMatchObject({
      cmd: 'connect',
      clean: true,
      clientId: 'one',
      keepalive: 60,
      properties: { receiveMaximum: 500 },
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
    });
    expect(parsed(subscribePacket(7, 'fleet/+'))).toMatchObject({
      cmd: 'subscribe',
      messageId: 7,
      subscriptions: [{ topic: 'fleet/+', qos: 1 }],
    });
    expect(parsed(pubackPacket(9))).toMatchObject({ cmd: 'puback', messageId: 9 });
  });

  it('publish any payload, and read what a broker publishes, however it is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40_000 }),
        fc.nat(3),
        fc.integer({ min: 1, max: 5_000 }),
        (payload, count, piece) => {
          const { bytes, idAt } = publishPacket('a/b', payload, true);
          bytes.writeUInt16BE(513, idAt);
          expect(parsed(bytes)).toMatchObject({ topic: 'a/b', messageId: 513, qos: 1, retain: true });
          const sent = generate(
            {
              cmd: 'publish',
              topic: 'é',
              payload: Buffer.from(payload),
              qos: 1,
              messageId: 77,
              dup: false,
              retain: false,
            },
            { protocolVersion: 5 },
          );
          const stream = Buffer.concat(Array.from({ length: count }, () => sent));
          const reader = new PacketReader();
          const found: Buffer[] = [];
          for (let at = 0; at < stream.length; at += piece)
            for (const packet of reader.read(stream.subarray(at, at + piece))) {
              const { topic, id, payload: read } = readPublish(packet);
              expect([topic, id]).toEqual(['é', 77]);
              found.push(read);
            }
          expect(found.map((one) => one.equals(payload))).toEqual(Array.from({ length: count }, () => true));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('know how much a broker takes, and that it refuses', () => {
    const connack = (reasonCode: number, receiveMaximum?: number): Buffer =>
      generate(
        {
          cmd: 'connack',
          sessionPresent: false,
          reasonCode,
          properties: { topicAliasMaximum: 10, ...(receiveMaximum === undefined ? {} : { receiveMaximum }) },
        },
        { protocolVersion: 5 },
      );
    expect(readConnack(connack(0, 300).subarray(2))).toBe(300);
    expect(readConnack(connack(0).subarray(2))).toBe(65_535);
    expect(readConnack(connack(0x87).subarray(2))).toBeNull();
  });
});

describe('payloads of simulated robots', () => {
  it.each([
    ['metrics', simulatedMetrics(createRandom(3), Date.now()), 1_000],
    ['state', simulatedState(createRandom(3)), 600],
  ] as const)('are those of the stream %s', (stream, body, bytes) => {
    const bootId = '5e5f4d7e-3a5c-4c3e-9d86-0f6f3c1b2a19';
    const template = makeTemplate({ site: 'yard', robot: 'r1', node: 'detector', bootId }, stream, body);
    const timestamp = '2026-11-26T10:00:00.123Z';
    const text = payloadFrom(template, 4_711, timestamp);
    const payload = payloadSchemaOf(stream).parse(JSON.parse(text));
    expect(payload).toMatchObject({ headerId: 4_711, timestamp, serialNumber: 'r1', bootId });
    expect(numberOf(Buffer.from(text))).toBe(4_711);
    expect(text.length).toBeGreaterThan(bytes);
    expect(text.length).toBeLessThan(2 * bytes);
  });
});
