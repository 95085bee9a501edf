import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ClipChunk, ClipRequest } from '../../../src/contract/telemetry/clips.ts';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import type { FromTelemetryThread } from '../../../src/device/telemetry/protocol.ts';
import { telemetryMetrics } from '../../../src/device/telemetry/telemetry-metrics.ts';
import { NOT_CONNECTED_YET, statusAfter } from '../../../src/device/telemetry/telemetry-status.ts';
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
const logged = ({ posted }: FakeBroker): string[] =>
  posted.flatMap((one) => (one.type === 'log' ? [one.line] : []));
const fates = ({ posted }: FakeBroker): Extract<FromTelemetryThread, { type: 'transferred' }>[] =>
  posted.filter((one) => one.type === 'transferred');

describe('clips through the telemetry thread', () => {
  it('passes a request on, and refuses by reason what else arrives there', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    const asked = { ...HEADER, ...REQUEST };
    broker.hear(JSON.stringify(asked), TOPIC);
    await broker.pass(1_000);
    expect(broker.refused).toBeUndefined();
    for (const [reason, wrong] of [
      ['json', ''],
      ['json', '['],
      ['json', 'null'],
      ['json', '['.repeat(1_000) + ']'.repeat(1_000)],
      ['schema', '{}'],
      ['schema', JSON.stringify({ ...asked, maxBytes: 1e12 })],
      ['schema', JSON.stringify({ ...asked, offset: -1 })],
      ['schema', JSON.stringify({ ...asked, clip: 'x'.repeat(257) })],
      ['version', JSON.stringify({ ...asked, version: '2.0.0' })],
      ['version', JSON.stringify({ ...asked, version: '\n' })],
      ['identity', JSON.stringify({ ...asked, serialNumber: 'r2' })],
      ['identity', JSON.stringify({ ...asked, node: 'other' })],
      ['too_large', 'x'.repeat(8 * 1024 + 1)],
    ] as const) {
      const before = broker.refused?.['clip-request']?.[reason] ?? 0;
      broker.hear(wrong, TOPIC);
      await broker.pass(1_000);
      expect.soft(broker.refused?.['clip-request']?.[reason], wrong.slice(0, 80)).toBe(before + 1);
    }
    const counts = { json: 4, schema: 4, version: 2, identity: 2, too_large: 1 };
    expect(broker.refused).toEqual({ ack: {}, 'clip-request': counts });
    expect(requests(broker)).toEqual([expect.objectContaining(REQUEST)]);
    broker.hear(JSON.stringify(asked), 'fleet/v1/yard/r1/detector/ack');
    expect(requests(broker)).toHaveLength(1);
    broker.hear(JSON.stringify(asked), TOPIC);
    expect(requests(broker)).toHaveLength(2);
  });

  it('counts a request for a path outside, which whoever has the clips refuses in an answer', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    for (const clip of ['../../etc/passwd', '/etc/passwd', '..', ''])
      broker.hear(JSON.stringify({ ...HEADER, ...REQUEST, clip }), TOPIC);
    await broker.pass(1_000);
    expect(broker.refused).toEqual({ ack: {}, 'clip-request': { clip: 4 } });
    expect(requests(broker).map(({ clip }) => clip)).toEqual(['../../etc/passwd', '/etc/passwd', '..', '']);
    expect(logged(broker)).toEqual([
      'a message of \'clip-request\' was refused (clip): "../../etc/passwd" is no name of a clip',
    ]);
  });

  it('logs what was wrong once a minute for each reason, with no more than a few words of it', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    const asked = { ...HEADER, ...REQUEST };
    const flood = (): void => {
      for (let i = 0; i < 50; i += 1) {
        broker.hear(`{"secret": ${'x'.repeat(5_000)}`, TOPIC);
        broker.hear(JSON.stringify({ ...asked, version: `9\n${'x'.repeat(5_000)}` }), TOPIC);
        broker.hear(JSON.stringify({ ...asked, maxBytes: 'secret' }), TOPIC);
      }
    };
    flood();
    await broker.pass(60_000, 1_000);
    flood();
    const begin = "a message of 'clip-request' was refused";
    const lines = [
      `${begin} (json): it is no JSON object`,
      `${begin} (version): version ${JSON.stringify(`9\n${'x'.repeat(30)}`)}`,
      `${begin} (schema): maxBytes: Invalid input: expected number, received string`,
    ];
    const more = '; 49 more since the last such line';
    expect(logged(broker)).toEqual([...lines, ...lines.map((line) => `${line}${more}`)]);
  });

  it('counts what is refused until the end, and is among the metrics', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.hear('[', TOPIC);
    await broker.sender.close();
    expect(broker.refused).toEqual({ ack: {}, 'clip-request': { json: 1 } });
    const status = broker.posted.reduce(statusAfter, NOT_CONNECTED_YET);
    expect(await telemetryMetrics(() => status).text()).toContain(
      '\ngoshawk_telemetry_refused_total{stream="clip-request",reason="json"} 1\n',
    );
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
