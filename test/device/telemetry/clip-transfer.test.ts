import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ClipChunk, ClipRequest } from '../../../src/contract/telemetry/clips.ts';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import type { FromTelemetryThread } from '../../../src/device/telemetry/protocol.ts';
import { FakeBroker } from './fake-broker.ts';

const TOPIC = 'fleet/v1/yard/r1/detector/clip-request';
const REQUEST: ClipRequest = { request: randomUUID(), clip: 'a-clip', offset: 0, maxBytes: 1000 };
const CHUNK: ClipChunk = {
  request: REQUEST.request,
  clip: 'a-clip',
  offset: 0,
  total: 3,
  data: Buffer.from('abc').toString('base64'),
  isLast: true,
};
const HEADER = {
  headerId: 0,
  timestamp: '2026-01-01T00:00:00.000Z',
  version: '1.3.0',
  manufacturer: 'Goshawk',
  serialNumber: 'r1',
  node: 'detector',
  bootId: randomUUID(),
};

const requests = ({ posted }: FakeBroker): ClipRequest[] =>
  posted.flatMap((one) => (one.type === 'clip-request' ? [one.request] : []));
const fates = ({ posted }: FakeBroker): Extract<FromTelemetryThread, { type: 'transferred' }>[] =>
  posted.filter((one) => one.type === 'transferred');

describe('clips through the telemetry thread', () => {
  it('passes a request on, and nothing else that arrives there', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.hear(JSON.stringify({ ...HEADER, ...REQUEST }), TOPIC);
    for (const wrong of [
      '',
      '[',
      '{}',
      JSON.stringify({ ...HEADER, ...REQUEST, maxBytes: 1e12 }),
      'x'.repeat(1e5),
    ])
      broker.hear(wrong, TOPIC);
    expect(requests(broker)).toEqual([expect.objectContaining(REQUEST)]);
    broker.hear(JSON.stringify({ ...HEADER, ...REQUEST }), 'fleet/v1/yard/r1/detector/ack');
    expect(requests(broker)).toHaveLength(1);
  });

  it('publishes a chunk beside the outbox, and says whether it did', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    await broker.sender.transfer({ type: 'chunk', id: 7, chunk: CHUNK });
    const [sent] = broker.received.filter(({ stream }) => stream === 'clip-chunk');
    expect(payloadSchemaOf('clip-chunk').parse(JSON.parse(sent?.payload ?? ''))).toMatchObject(CHUNK);
    broker.goDown();
    await broker.sender.transfer({ type: 'chunk', id: 8, chunk: CHUNK });
    expect(fates(broker)).toEqual([
      { type: 'transferred', id: 7, isSent: true },
      { type: 'transferred', id: 8, isSent: false },
    ]);
    await broker.sender.close();
    expect(broker.received.filter(({ stream }) => stream === 'clip-chunk')).toHaveLength(1);
  });

  it('holds chunks back while bytes of the day are saved', async () => {
    const broker = new FakeBroker(undefined, 2_000);
    await broker.begin();
    for (let id = 0; id < 10; id += 1) await broker.sender.transfer({ type: 'chunk', id, chunk: CHUNK });
    const sent = fates(broker).map(({ isSent }) => isSent);
    expect([sent[0], sent.at(-1)]).toEqual([true, false]);
  });
});
