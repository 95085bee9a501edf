import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberSet } from '../../../src/core/ledger/number-set.ts';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import { REPORTED_STREAMS, streamRow, type ReportedStream } from '../../../src/contract/telemetry/streams.ts';
import type { StreamMessage } from '../../../src/device/telemetry/protocol.ts';
import { FakeBroker, type Verdict } from './fake-broker.ts';
import { FakeDisk } from './outbox/fake-disk.ts';

const message = (stream: ReportedStream, body: object = {}): StreamMessage => ({
  type: 'message',
  stream,
  body,
});
const lost = (stream: ReportedStream): StreamMessage => ({
  type: 'lost',
  stream,
  count: 1,
  reason: 'invalid',
});

const ids = (broker: FakeBroker, stream: ReportedStream): number[] =>
  broker.of(stream).map(({ headerId }) => headerId);

const gaps = (broker: FakeBroker): object[] =>
  broker.of('gap').map(({ stream, ranges, reason }) => ({ stream, ranges, reason }));

const troublesOfDisk = (broker: FakeBroker): (string | null)[] =>
  broker.posted.flatMap((posted) => (posted.type === 'outbox' ? [posted.trouble?.code ?? null] : []));

const troubles = (broker: FakeBroker): (object | null)[] =>
  broker.posted.flatMap((posted) => (posted.type === 'delivery' ? [posted.trouble] : []));

describe('the sender of telemetry streams', () => {
  it('announces itself, numbers messages by topic and boot, and keeps their order', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    await broker.send(message('metrics'), message('state'), message('metrics'));
    expect(broker.presence()).toEqual(['ONLINE']);
    expect(ids(broker, 'metrics')).toEqual([0, 1]);
    expect(broker.of('metrics')[0]).toMatchObject({ bootCount: 0, serialNumber: 'r1', node: 'detector' });
    const will = payloadSchemaOf('connection').parse(JSON.parse(broker.will));
    expect(will).toMatchObject({ headerId: 0, connectionState: 'CONNECTION_BROKEN' });
    expect(will.bootId).toBe(broker.of('metrics')[0]?.bootId);
    expect(broker.identity.will.topic).toBe('fleet/v1/yard/r1/detector/connection');
    const heard = ['ack', 'clip-request'].map((stream) => `fleet/v1/yard/r1/detector/${stream}`);
    expect(broker.identity.listensTo).toEqual(heard);
  });

  it('hibernates while the detector is not active, and says so on every connection', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    const state = (lifecycle: string): StreamMessage => message('state', { lifecycle });
    await broker.send(state('active'), state('active'), state('inactive'), state('inactive'));
    expect(broker.presence()).toEqual(['ONLINE', 'HIBERNATING']);
    broker.goDown();
    broker.open();
    await broker.settle();
    await broker.send(state('active'));
    await broker.sender.close();
    expect(broker.presence()).toEqual(['ONLINE', 'HIBERNATING', 'HIBERNATING', 'ONLINE', 'OFFLINE']);
    for (const { options } of broker.received.filter(({ stream }) => stream === 'connection'))
      expect(options).toEqual({ qos: 1, retain: true });
  });

  it('has a last will for each connection, which fits the births of this connection only', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    const first = payloadSchemaOf('connection').parse(JSON.parse(broker.will));
    await broker.send(message('state', { lifecycle: 'inactive' }));
    broker.goDown();
    broker.open();
    await broker.settle();
    const second = payloadSchemaOf('connection').parse(JSON.parse(broker.will));
    const births = broker.of('connection');
    expect(births.map(({ headerId }) => headerId)).toEqual([1, 2, 4]);
    expect(births.map(({ birthHeaderId }) => birthHeaderId)).toEqual([1, 1, 4]);
    expect([first.birthHeaderId, second.birthHeaderId]).toEqual([1, 4]);
    expect([first.headerId, second.headerId]).toEqual([0, 3]);
    expect(births.every(({ bootCount }) => bootCount === 0)).toBe(true);
  });

  it('publishes each stream as its row says', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    await broker.send(...REPORTED_STREAMS.map((stream) => message(stream)));
    for (const { stream, options } of broker.received) {
      const { qos, retained } = streamRow(stream);
      expect(options).toEqual({ qos, retain: retained });
    }
  });

  it('keeps a message until the fleet acknowledges it, whatever the broker says', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    await broker.begin();
    await broker.send(message('metrics'));
    await broker.pass(1_000);
    expect(broker.counts?.metrics).toMatchObject({ produced: 1, delivered: 0, waiting: 1 });
    broker.acknowledge('metrics', broker.received.at(-1)!.payload);
    await broker.pass(1_000);
    expect(broker.counts?.metrics).toMatchObject({ produced: 1, delivered: 1, waiting: 0 });
  });

  it('reports that nothing acknowledges for a minute, and that something does again', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    await broker.begin();
    const troubles = (): (string | null)[] =>
      broker.posted.flatMap((posted) => (posted.type === 'fleet' ? [posted.trouble?.code ?? null] : []));
    for (let minute = 0; minute < 2; minute += 1) {
      await broker.send(message('metrics'));
      await broker.pass(55_000, 5_000);
      expect(troubles()).toHaveLength(minute);
    }
    expect(troubles()).toEqual(['GOSHAWK_TELEMETRY_UNACKNOWLEDGED']);
    broker.acknowledge('metrics', broker.received.at(-1)!.payload);
    await broker.pass(2_000);
    expect(troubles()).toEqual(['GOSHAWK_TELEMETRY_UNACKNOWLEDGED', null]);
  });

  it('publishes again what is not acknowledged, the same and each time later', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    await broker.begin();
    await broker.send(message('metrics', { n: 1 }));
    await broker.pass(14_000);
    expect(ids(broker, 'metrics')).toEqual([0]);
    await broker.pass(2_000);
    expect(ids(broker, 'metrics')).toEqual([0, 0]);
    await broker.pass(28_000);
    expect(ids(broker, 'metrics')).toEqual([0, 0]);
    await broker.pass(4_000);
    const [first, ...others] = broker.received.filter(({ stream }) => stream === 'metrics');
    expect(others.map(({ payload }) => payload)).toEqual([first?.payload, first?.payload]);
  });

  it('publishes again soon, but only twice, what something later has overtaken', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    await broker.begin();
    await broker.send(message('state'));
    const acknowledgeLater = async (): Promise<void> => {
      await broker.send(message('metrics'));
      broker.acknowledge('metrics', broker.received.at(-1)!.payload);
      await broker.pass(1_100);
    };
    await broker.pass(1_000);
    await acknowledgeLater();
    expect(ids(broker, 'state')).toEqual([0]);
    for (const repeated of [
      [0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]) {
      await broker.pass(3_000);
      await acknowledgeLater();
      expect(ids(broker, 'state')).toEqual(repeated);
    }
  });

  it('ignores acknowledgements of what it never sent, and whatever else arrives there', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    await broker.send(message('metrics'));
    await broker.begin();
    broker.decide = () => 'refuse';
    await broker.send(message('metrics'));
    const { bootId } = broker.of('metrics')[0]!;
    const header = { headerId: 0, timestamp: '2026-01-01T00:00:00.000Z', version: '1', manufacturer: 'x' };
    const speaker = { serialNumber: 'r1', node: 'detector', bootId };
    const acks = [{ stream: 'metrics', bootId, ranges: [[1, Number.MAX_SAFE_INTEGER]] }];
    for (const text of [
      '',
      '{',
      '[[[',
      '{"acks":[]}',
      JSON.stringify({ ...header, ...speaker, acks }),
      'x'.repeat(1e6),
    ])
      broker.hear(text);
    await broker.pass(1_000);
    expect(broker.counts?.metrics).toMatchObject({ delivered: 1, waiting: 1 });
  });

  it('counts what arrives as an acknowledgement and is none, by reason, and acknowledges nothing for it', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    await broker.begin();
    await broker.send(message('metrics'));
    const { bootId, headerId } = broker.of('metrics')[0]!;
    const acks = [{ stream: 'metrics', bootId, ranges: [[headerId, headerId]] }];
    const header = {
      headerId: 0,
      timestamp: '2026-01-01T00:00:00.000Z',
      version: '1.5.0',
      manufacturer: 'x',
    };
    const ack = { ...header, serialNumber: 'r1', node: 'detector', bootId, acks };
    for (const wrong of [
      '{"acks": [',
      JSON.stringify({ ...ack, version: '2.0.0' }),
      JSON.stringify({ ...ack, acks: [{ stream: 'metrics', bootId, ranges: [[5, 1]] }] }),
      JSON.stringify({ ...ack, serialNumber: 'r2' }),
      JSON.stringify({ ...ack, node: 'other' }),
      JSON.stringify({ ...ack, more: 'x'.repeat(256 * 1024) }),
    ])
      broker.hear(wrong);
    await broker.pass(1_000);
    expect(broker.refused).toEqual({
      ack: { json: 1, version: 1, schema: 1, identity: 2, too_large: 1 },
      'clip-request': {},
    });
    expect(broker.counts?.metrics).toMatchObject({ delivered: 0, waiting: 1 });
    broker.hear(JSON.stringify(ack));
    await broker.pass(1_000);
    expect(broker.counts?.metrics).toMatchObject({ delivered: 1, waiting: 0 });
  });

  it('declares replaced states and lost messages as gaps, joined while they wait', async () => {
    const broker = new FakeBroker();
    await broker.send(
      message('state'),
      message('state'),
      message('state'),
      lost('metrics'),
      message('metrics'),
    );
    await broker.begin();
    await broker.send(message('metrics'));
    expect(ids(broker, 'state')).toEqual([2]);
    expect(ids(broker, 'metrics')).toEqual([1, 2]);
    expect(gaps(broker)).toEqual([
      { stream: 'state', ranges: [[0, 1]], reason: 'superseded' },
      { stream: 'metrics', ranges: [[0, 0]], reason: 'invalid' },
    ]);
  });

  it('sends what waited for the link as a batch, as it was, after what happens now', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    await broker.begin();
    await broker.send(message('metrics', { n: 0 }));
    broker.goDown();
    await broker.send(message('metrics', { n: 1 }), message('metrics', { n: 2 }));
    broker.isAcknowledging = true;
    broker.open();
    await broker.settle();
    await broker.send(message('metrics', { n: 3 }));
    const metrics = broker.received.filter(({ stream }) => stream === 'metrics');
    expect(ids(broker, 'metrics')).toEqual([0, 0, 1, 2, 3]);
    expect(metrics.map(({ isHistory }) => isHistory)).toEqual([false, true, true, true, false]);
    expect(metrics[1]?.payload).toBe(metrics[0]?.payload);
    expect(broker.batches).toHaveLength(1);
    await broker.pass(1_000);
    expect(broker.counts?.metrics).toMatchObject({ produced: 4, delivered: 4, waiting: 0 });
  });

  it('sends what waited at a bounded rate of compressed bytes, in batches that are bounded', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.goDown();
    for (let i = 0; i < 60; i += 1)
      broker.sender.receive(message('metrics', { text: randomBytes(12_000).toString('base64') }));
    await broker.pass(500);
    broker.open();
    await broker.settle();
    const sizes = (): number[] => broker.batches.map(({ length }) => length);
    const total = (): number => sizes().reduce((sum, size) => sum + size, 0);
    const first = total();
    // what may be sent at once
    expect(first).toBeGreaterThan(65_536);
    await broker.pass(10_000);
    expect(total() - first).toBeLessThan(10 * 65_536 + 98_304);
    await broker.pass(15_000);
    expect(new Set(ids(broker, 'metrics')).size).toBe(60);
    expect(Math.max(...sizes())).toBeLessThanOrEqual(98_304);
  });

  it('packs many small messages into little', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.goDown();
    for (let i = 0; i < 300; i += 1)
      broker.sender.receive(message('metrics', { n: i, text: 'x'.repeat(500) }));
    await broker.pass(500);
    broker.open();
    await broker.settle();
    expect(broker.of('metrics')).toHaveLength(300);
    // of 96 KiB of payloads each
    expect(broker.batches).toHaveLength(3);
    expect(Math.max(...broker.batches.map(({ length }) => length))).toBeLessThan(7_000);
  });

  it('makes batches smaller where the broker does not take them, and declares only what never fits', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.goDown();
    const noise = (bytes: number): object => ({ text: randomBytes(bytes).toString('base64') });
    broker.sender.receive(message('metrics', noise(30_000)));
    for (let i = 0; i < 8; i += 1) broker.sender.receive(message('metrics', noise(3_000)));
    await broker.pass(500);
    broker.decide = (_stream, bytes) => (bytes > 10_000 ? 'too-large' : 'accept');
    broker.open();
    await broker.pass(20_000);
    expect(ids(broker, 'metrics')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(gaps(broker)).toEqual([{ stream: 'metrics', ranges: [[0, 0]], reason: 'too_large' }]);
  });

  it('declares what is larger than a fleet accepts, without sending it', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    await broker.send(message('metrics', { text: 'x'.repeat(1 << 20) }), message('metrics'));
    await broker.pass(1_000);
    expect(ids(broker, 'metrics')).toEqual([1]);
    expect(gaps(broker)).toEqual([{ stream: 'metrics', ranges: [[0, 0]], reason: 'too_large' }]);
  });

  it('reports that the broker refuses messages though the link is up, and that it accepts them again', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.decide = () => 'refuse';
    await broker.send(message('metrics'));
    expect(troubles(broker).at(-1)).toMatchObject({
      code: 'GOSHAWK_BROKER_REFUSED',
      reason: expect.stringContaining('fleet/v1/yard/r1/detector/metrics') as string,
    });
    broker.decide = () => 'accept';
    await broker.pass(6_000);
    expect(troubles(broker).at(-1)).toBeNull();
    expect(ids(broker, 'metrics')).toEqual([0]);
  });

  it('gives up a message that is too large for the broker, declares it, and sends those behind it', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    const verdicts: Verdict[] = ['too-large', 'accept'];
    broker.decide = () => verdicts.shift() ?? 'accept';
    await broker.send(message('metrics'), message('metrics'));
    await broker.pass(1_000);
    expect(ids(broker, 'metrics')).toEqual([1]);
    expect(gaps(broker)).toEqual([{ stream: 'metrics', ranges: [[0, 0]], reason: 'too_large' }]);
    expect(broker.counts?.metrics).toMatchObject({ produced: 2, delivered: 1, dropped: 1, waiting: 0 });
    expect(troubles(broker)).toContainEqual(
      expect.objectContaining({
        reason: expect.stringMatching(/metrics: it has \d+ bytes, the broker accepts 10/) as string,
      }),
    );
  });

  it('goes on in memory where the disk cannot be used, and says so', async () => {
    const broker = new FakeBroker(null);
    await broker.send(message('metrics'));
    await broker.begin();
    expect(ids(broker, 'metrics')).toEqual([0]);
    expect(broker.posted).toContainEqual({
      type: 'outbox',
      trouble: {
        code: 'GOSHAWK_OUTBOX_UNWRITABLE',
        reason: expect.stringContaining('/gone cannot be written') as string,
      },
    });
  });

  it('moves what waits to the disk once it can be used, under the numbers that it has', async () => {
    const earlier = new FakeBroker();
    earlier.isAcknowledging = false;
    await earlier.begin();
    await earlier.send(message('metrics', { n: 1 }));
    await earlier.sender.close();
    const broker = new FakeBroker(earlier.disk);
    broker.isDiskUsable = false;
    broker.isAcknowledging = false;
    await broker.begin();
    await broker.send(message('metrics', { n: 2 }));
    await broker.pass(40_000);
    broker.isDiskUsable = true;
    await broker.pass(31_000);
    await broker.send(message('metrics', { n: 3 }));
    await broker.pass(2_000);
    const outbox = broker.posted.flatMap((posted) =>
      posted.type === 'outbox' ? [posted.trouble?.code ?? null] : [],
    );
    expect(outbox).toEqual(['GOSHAWK_OUTBOX_UNWRITABLE', null]);
    expect([...broker.disk.records.keys()].filter((key) => key.startsWith('e!metrics'))).toHaveLength(3);
    const metrics = broker.of('metrics');
    expect(new Set(metrics.map(({ headerId, bootCount }) => `${bootCount ?? '?'} ${headerId}`))).toEqual(
      new Set(['? 0', '0 0', '1 1']),
    );
    const texts = broker.received.filter(({ stream }) => stream === 'metrics').map(({ payload }) => payload);
    expect(new Set(texts).size).toBe(3);
  });

  it('sends what earlier boots left only once a disk that was found late knows that there was a link', async () => {
    const earlier = new FakeBroker();
    earlier.isAcknowledging = false;
    await earlier.begin();
    await earlier.send(message('metrics', { n: 1 }));
    await earlier.sender.close();
    const broker = new FakeBroker(earlier.disk);
    broker.isDiskUsable = false;
    broker.isAcknowledging = false;
    await broker.begin();
    await broker.pass(1_000);
    const release = broker.disk.hold();
    broker.isDiskUsable = true;
    await broker.pass(32_000);
    expect(broker.batches).toEqual([]);
    release();
    await broker.pass(2_000);
    expect(broker.disk.records.get('s!linked')).toBe('1');
    expect(broker.of('metrics')).toMatchObject([{ headerId: 0, bootCount: 0, n: 1 }]);
  });

  it('goes on in memory, bounded, while the disk hangs, and says so', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    await broker.begin();
    await broker.pass(1_000);
    const end = broker.disk.hang();
    const before = broker.of('metrics').length;
    for (let second = 0; second < 60; second += 1) {
      await broker.send(message('metrics', { text: 'x'.repeat(100_000) }), message('state'));
      await broker.pass(1_000);
    }
    expect(troublesOfDisk(broker)).toEqual(['GOSHAWK_OUTBOX_UNWRITABLE']);
    expect(broker.counts).toMatchObject({ metrics: { produced: 60 }, state: { produced: 60 } });
    expect(broker.of('metrics').length - before).toBeGreaterThanOrEqual(60);
    expect(broker.counts!.metrics.waitingBytes).toBeLessThan((4 << 20) + 200_000);
    end();
    broker.isAcknowledging = true;
    await broker.pass(400_000, 20_000);
    expect(troublesOfDisk(broker)).toEqual(['GOSHAWK_OUTBOX_UNWRITABLE', null]);
    const known = NumberSet.of(ids(broker, 'metrics').map((id) => [id, id]));
    for (const gap of broker.of('gap')) if (gap.stream === 'metrics') known.addAll(gap.ranges);
    expect(known.ranges()).toEqual([[0, 59]]);
  });

  it('sends what is new while the disk answers no reads', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.goDown();
    for (let n = 0; n < 50; n += 1) await broker.send(message('metrics', { n }));
    await broker.pass(1_000);
    const end = broker.disk.hang();
    broker.open();
    await broker.pass(6_000);
    await broker.send(message('state'));
    await broker.pass(6_000);
    expect(broker.of('state')).toHaveLength(1);
    expect(broker.of('metrics')).toEqual([]);
    end();
    await broker.pass(10_000);
    expect(ids(broker, 'metrics')).toHaveLength(50);
  });

  it('outlives a fault that nobody expects, and logs it at a bounded rate', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    // Counts change every second while something waits.
    broker.isAcknowledging = false;
    broker.unpostable = 'counts';
    await broker.send(message('event'));
    await broker.pass(65_000, 1_000);
    broker.unpostable = null;
    await broker.pass(2_000);
    const lines = broker.posted.flatMap((posted) => (posted.type === 'log' ? [posted.line] : []));
    expect(lines).toEqual([
      'cannot post counts',
      expect.stringMatching(/^cannot post counts \(and 5\d faults before it\)$/),
    ]);
    expect(broker.counts).toMatchObject({ event: { produced: 1 } });
  });

  it('begins in memory where the disk takes too long to open, and moves there once it is open', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    let open = (): void => undefined;
    broker.opening = new Promise((resolve) => (open = resolve));
    await broker.begin();
    await broker.send(message('metrics'));
    await broker.pass(20_000);
    expect(ids(broker, 'metrics')).toEqual([0]);
    open();
    await broker.pass(40_000);
    expect(broker.opened).toBe(1);
    expect(troublesOfDisk(broker)).toEqual(['GOSHAWK_OUTBOX_UNWRITABLE', null]);
    expect([...broker.disk.records.keys()].filter((key) => key.startsWith('e!metrics'))).toHaveLength(1);
  });

  it('writes soon what came during a write', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    await broker.begin();
    await broker.pass(100, 50);
    const release = broker.disk.hold();
    for (let i = 0; i < 2; i += 1) {
      await broker.send(message('event'));
      await broker.pass(50, 50);
    }
    release();
    await broker.settle();
    await broker.pass(50, 50);
    expect([...broker.disk.records.keys()].filter((key) => key.startsWith('e!event'))).toHaveLength(2);
  });

  it('numbers go on where the disk took a reservation at start, and then nothing', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    broker.disk.isFull = true;
    await broker.begin();
    for (let n = 0; n < 3; n += 1) await broker.send(message('metrics', { n }));
    await broker.pass(40_000);
    broker.disk.isFull = false;
    await broker.pass(31_000);
    for (let n = 3; n < 6; n += 1) await broker.send(message('metrics', { n }));
    await broker.pass(2_000);
    const texts = broker.received.filter(({ stream }) => stream === 'metrics').map(({ payload }) => payload);
    const made = [...new Set(texts)].map((text) => JSON.parse(text) as { n: number; headerId: number });
    expect(made.map(({ n, headerId }) => [n, headerId])).toEqual([0, 1, 2, 3, 4, 5].map((n) => [n, n]));
    expect(gaps(broker)).toEqual([]);
    expect([...broker.disk.records.keys()].filter((key) => key.startsWith('e!metrics'))).toHaveLength(6);
  });

  it('keeps all that is on a disk that takes nothing more, and a sixteenth of the bound in memory', async () => {
    const broker = new FakeBroker();
    broker.isAcknowledging = false;
    const large = message('metrics', { text: 'x'.repeat(1 << 19) });
    await broker.begin();
    broker.goDown();
    for (let i = 0; i < 12; i += 1) await broker.send(large);
    await broker.pass(2_000);
    broker.disk.isFull = true;
    for (let i = 0; i < 9; i += 1) {
      await broker.send(large);
      await broker.pass(1_000);
    }
    // of 64 MiB 4 MiB are 7 such messages
    expect(broker.counts?.metrics).toMatchObject({ waiting: 19, declared: { overflow: 2 } });
    broker.disk.isFull = false;
    await broker.pass(2_000);
    expect([...broker.disk.records.keys()].filter((key) => key.startsWith('e!metrics'))).toHaveLength(19);
  });

  it('says when the disk takes nothing, goes on, and says when it does again', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.disk.isFull = true;
    await broker.send(message('metrics'));
    await broker.pass(2_000);
    expect(ids(broker, 'metrics')).toEqual([0]);
    broker.disk.isFull = false;
    await broker.send(message('metrics'));
    await broker.pass(2_000);
    const outbox = broker.posted.flatMap((posted) =>
      posted.type === 'outbox' ? [posted.trouble?.code ?? null] : [],
    );
    expect(outbox).toEqual(['GOSHAWK_OUTBOX_UNWRITABLE', null]);
  });
});

describe('a boot after another', () => {
  it('keeps what it cannot read while the disk is full, sends what is new, and the rest later', async () => {
    const disk = new FakeDisk();
    const before = new FakeBroker(disk);
    before.isAcknowledging = false;
    for (let n = 0; n < 20; n += 1) before.sender.receive(message('metrics', { n }));
    await before.begin();
    await before.sender.close();
    const after = new FakeBroker(disk);
    after.isAcknowledging = false;
    await after.begin();
    after.goDown();
    after.received.length = 0;
    disk.isFull = true;
    await after.send(message('metrics', { n: 20 }));
    await after.pass(2_000);
    after.open();
    await after.pass(20_000);
    expect(after.of('metrics')).toContainEqual(expect.objectContaining({ n: 20 }));
    expect(after.counts?.metrics).toMatchObject({ waiting: 21, dropped: 0 });
    disk.isFull = false;
    await after.pass(20_000);
    expect(new Set(after.of('metrics').map((window) => (window as { n?: number }).n)).size).toBe(21);
    expect(gaps(after)).toEqual([]);
  });

  it('sends what earlier boots left only once the disk knows that there was a link', async () => {
    const disk = new FakeDisk();
    const boot = async (): Promise<{ broker: FakeBroker; open: () => void }> => {
      const broker = new FakeBroker(disk);
      const open = broker.open.bind(broker);
      broker.open = () => undefined;
      await broker.begin();
      return { broker, open };
    };
    const before = await boot();
    await before.broker.send(message('metrics'));
    await before.broker.sender.close();
    const { broker, open } = await boot();
    const release = disk.hold();
    open();
    await broker.settle();
    await broker.send(message('state'));
    await broker.pass(2_000);
    expect([ids(broker, 'state'), ids(broker, 'metrics')]).toEqual([[0], []]);
    release();
    await broker.pass(1_000);
    expect(disk.records.get('s!linked')).toBe('1');
    expect(ids(broker, 'metrics')).toEqual([0]);
  });

  it('delivers what the boot before left on the disk, under its own numbers', async () => {
    const disk = new FakeDisk();
    const before = new FakeBroker(disk);
    before.decide = () => 'lose';
    await before.begin();
    await before.send(message('metrics', { n: 1 }), message('metrics', { n: 2 }), message('state'));
    await before.sender.close();
    const after = new FakeBroker(disk);
    await after.begin();
    expect(ids(after, 'metrics')).toEqual([0, 1]);
    expect(after.of('metrics')).toMatchObject([{ n: 1 }, { n: 2 }]);
    const boots = new Set(after.of('metrics').map(({ bootId }) => bootId));
    expect(boots).not.toContain(after.of('connection')[0]?.bootId);
    expect(gaps(after)).toEqual([]);
  });

  it('declares the range of what a power cut may have taken', async () => {
    const disk = new FakeDisk();
    const before = new FakeBroker(disk);
    await before.begin();
    await before.send(message('metrics'));
    const { bootId } = before.of('metrics')[0]!;
    const after = new FakeBroker(disk);
    await after.begin();
    const lostMetrics = after.of('gap').filter(({ stream }) => stream === 'metrics');
    expect(lostMetrics).toMatchObject([{ lostBootId: bootId, ranges: [[0, 3]], reason: 'unsynced' }]);
  });
});

describe('the end of the sender', () => {
  it('delivers what waits of now and says OFFLINE', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.sender.receive(message('state'));
    broker.sender.receive(message('metrics'));
    await broker.sender.close();
    expect(ids(broker, 'metrics')).toEqual([0]);
    expect(broker.received.at(-1)?.stream).toBe('connection');
    expect(broker.presence()).toEqual(['ONLINE', 'OFFLINE']);
    expect(broker.isDropped).toBe(true);
    expect(broker.clock.pendingTimers).toBe(0);
    expect(broker.counts?.metrics).toMatchObject({ delivered: 1, waiting: 0 });
  });

  it('comes though the broker refuses OFFLINE', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.decide = () => 'refuse';
    await broker.sender.close();
    expect(broker.presence()).toEqual(['ONLINE']);
    expect(broker.isDropped).toBe(true);
  });

  it('comes at once while the broker is away; what waits is on the disk and is reported', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    broker.goDown();
    await broker.send(message('metrics'), message('state'));
    await broker.sender.close();
    expect(broker.counts?.metrics.waiting).toBe(1);
    expect([...broker.disk.records.keys()].filter((key) => key.startsWith('e!'))).toHaveLength(2);
  });

  it.each(['message', 'link'] as const)(
    'comes within 3 s if the broker never answers to the %s',
    async (what) => {
      const broker = new FakeBroker();
      await broker.begin();
      if (what === 'link') broker.hangsOnClose = true;
      else broker.decide = () => 'hang';
      let isClosed = false;
      const closed = broker.sender.close().then(() => (isClosed = true));
      await broker.settle();
      broker.clock.advance(2_999);
      await broker.settle();
      expect([isClosed, broker.isDropped]).toEqual([false, false]);
      broker.clock.advance(1);
      await closed;
      expect(broker.isDropped).toBe(true);
    },
  );

  it.each([100, 10_000])('comes within the limits while the disk hangs, for %s ms so far', async (ms) => {
    const broker = new FakeBroker();
    await broker.begin();
    await broker.pass(1_000);
    broker.disk.hang();
    await broker.send(message('metrics'));
    await broker.pass(ms, 100);
    let isClosed = false;
    void broker.sender.close().then(() => (isClosed = true));
    await broker.pass(4_000);
    expect(isClosed).toBe(true);
    expect(broker.presence().at(-1)).toBe('OFFLINE');
  });

  it('comes once, however often it is asked for', async () => {
    const broker = new FakeBroker();
    await broker.begin();
    await Promise.all([broker.sender.close(), broker.sender.close()]);
    expect(broker.presence()).toEqual(['ONLINE', 'OFFLINE']);
  });
});

describe('a limit of bytes a day', () => {
  const text = 'x'.repeat(1_000);
  const meter = (broker: FakeBroker) => broker.posted.findLast((posted) => posted.type === 'meter')?.meter;
  const bytes = (broker: FakeBroker): number =>
    broker.received.reduce((sum, one) => sum + (one.isHistory ? 0 : one.payload.length + 45), 0) +
    broker.batches.reduce((sum, { length }) => sum + length + 45, 0);

  /** A state and a window every 10 s. */
  async function work(broker: FakeBroker, seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i += 10) {
      await broker.send(message('state', { text }), message('metrics', { text }));
      await broker.pass(10_000, 5_000);
    }
  }

  it('is kept: first only a state now and then, then nothing; the rest waits or is declared', async () => {
    const broker = new FakeBroker(new FakeDisk(), 20_000);
    await broker.begin();
    await work(broker, 200);
    expect(meter(broker)).toMatchObject({ bytesPerDay: 20_000, allowance: 'thinned' });
    const states = broker.of('state').length;
    await work(broker, 1_000);
    expect(broker.of('state').length - states).toBeGreaterThanOrEqual(2);
    expect(broker.of('state').length - states).toBeLessThanOrEqual(4);
    await work(broker, 2_000);
    expect(meter(broker)).toMatchObject({ allowance: 'nothing' });
    expect(bytes(broker)).toBeLessThanOrEqual(20_000);
    const { metrics, state } = broker.counts!;
    expect(metrics.produced).toBe(metrics.delivered + metrics.waiting);
    expect(state.produced).toBe(state.delivered + state.dropped + state.waiting);
  });

  it('outlives the process, and what waited is delivered on the next day', async () => {
    const before = new FakeBroker(new FakeDisk(), 20_000);
    await before.begin();
    await work(before, 3_000);
    await before.sender.close();
    const after = new FakeBroker(before.disk, 20_000);
    await after.begin();
    await work(after, 100);
    expect(meter(after)).toMatchObject({ allowance: 'nothing' });
    expect([after.of('state'), after.of('metrics'), after.batches]).toEqual([[], [], []]);
    await after.pass(86_400_000, 600_000);
    expect(after.counts?.metrics.waiting).toBe(0);
    expect(after.batches.length).toBeGreaterThan(0);
  });

  const REPORTED = ['state', 'event', 'metrics', 'drift'] as const;
  const sizes = fc.array(
    fc.record({
      stream: fc.constantFrom(...REPORTED),
      bytes: fc.constantFrom(10, 1_000, 1_000, 20_000, 300_000),
    }),
    { maxLength: 30 },
  );

  it('is kept by what waits and what comes, of any size, and all of it is delivered or declared', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2_000, max: 400_000 }), sizes, sizes, async (limit, before, now) => {
        const broker = new FakeBroker(new FakeDisk(), limit);
        await broker.begin();
        broker.goDown();
        // Compressed, they have half of their bytes.
        const put = (some: typeof before): Promise<void> =>
          broker.send(
            ...some.map((one) => message(one.stream, { text: randomBytes(one.bytes / 2).toString('hex') })),
          );
        await put(before);
        await broker.pass(1_000);
        let used = bytes(broker);
        broker.open();
        await put(now);
        const isWaiting = (): boolean => REPORTED.some((stream) => broker.counts?.[stream].waiting !== 0);
        for (let day = 0; day < 40 && isWaiting(); day += 1) {
          await broker.pass(60_000, 5_000);
          // The birth, which tells the fleet of the connection, is sent in any case.
          expect(bytes(broker) - used).toBeLessThanOrEqual(limit + 500);
          used = bytes(broker);
          broker.clock.now += 86_400_000 - 60_000;
        }
        for (const stream of REPORTED) {
          const { produced, delivered, dropped, waiting } = broker.counts![stream];
          expect([stream, waiting, produced]).toEqual([stream, 0, delivered + dropped]);
        }
      }),
      { numRuns: 12 },
    );
  });
});

type Step =
  | 'connect'
  | 'disconnect'
  | 'settle'
  | 'pass'
  | 'deaf'
  | 'hang'
  | 'answer'
  | Verdict
  | `${'put' | 'loss'}-${ReportedStream}`;

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom<Step[]>(...REPORTED_STREAMS.map((stream) => `put-${stream}` as const)),
    },
    fc.constantFrom<Step[]>(...REPORTED_STREAMS.map((stream) => `loss-${stream}` as const)),
    { weight: 3, arbitrary: fc.constantFrom<Step[]>('accept', 'refuse', 'lose', 'too-large') },
    { weight: 3, arbitrary: fc.constantFrom<Step[]>('connect', 'disconnect', 'deaf') },
    { weight: 2, arbitrary: fc.constantFrom<Step[]>('settle', 'pass') },
    fc.constantFrom<Step[]>('hang', 'answer'),
  ),
  { maxLength: 40 },
);

/** Runs the steps. @returns how many messages were made, by stream */
async function play(broker: FakeBroker, sequence: readonly Step[]): Promise<Record<ReportedStream, number>> {
  const produced = Object.fromEntries(REPORTED_STREAMS.map((stream) => [stream, 0])) as Record<
    ReportedStream,
    number
  >;
  const put = (next: StreamMessage): void => {
    produced[next.stream] += 1;
    broker.sender.receive(next);
  };
  await broker.begin();
  let endHanging = (): void => undefined;
  for (const step of sequence) {
    if (step === 'hang' || step === 'answer') endHanging();
    if (step === 'connect') {
      if (!broker.connected) broker.open();
    } else if (step === 'disconnect') {
      if (broker.connected) broker.goDown();
    } else if (step === 'deaf') broker.isAcknowledging = !broker.isAcknowledging;
    else if (step.startsWith('put-')) put(message(step.slice(4) as ReportedStream));
    else if (step.startsWith('loss-')) put(lost(step.slice(5) as ReportedStream));
    else if (step === 'settle') await broker.settle();
    else if (step === 'pass') await broker.pass(20_000, 5_000);
    else if (step === 'hang') endHanging = broker.disk.hang();
    else if (step !== 'answer') broker.decide = () => step as Verdict;
  }
  endHanging();
  await broker.settle();
  return produced;
}

describe('the ledger of telemetry', () => {
  it('balances after any sequence: produced = delivered + dropped + waiting', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const broker = new FakeBroker();
        const produced = await play(broker, sequence);
        await broker.sender.close();
        for (const stream of REPORTED_STREAMS) {
          const counts = broker.counts![stream];
          expect(counts.produced).toBe(produced[stream]);
          expect(counts.produced).toBe(counts.delivered + counts.dropped + counts.waiting);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is complete at the fleet in the end: each message is there once, or declared', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const broker = new FakeBroker();
        const produced = await play(broker, sequence);
        broker.decide = () => 'accept';
        broker.isAcknowledging = true;
        if (!broker.connected) broker.open();
        await broker.pass(400_000, 20_000);
        for (const stream of REPORTED_STREAMS) {
          const known = new NumberSet();
          for (const id of ids(broker, stream)) known.add(id);
          for (const gap of broker.of('gap')) if (gap.stream === stream) known.addAll(gap.ranges);
          expect(known.missing(0, produced[stream] - 1).ranges()).toEqual([]);
          expect(broker.counts![stream].waiting).toBe(0);
        }
      }),
      { numRuns: 20 },
    );
  });
});
